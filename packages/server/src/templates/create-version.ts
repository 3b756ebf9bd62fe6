import { randomUUID } from "node:crypto";
import { randomName, type templateVersions } from "@slipway/api";
import { formatDiagnostic, type OpenedTemplate, packDirectory, type Tags } from "@slipway/template";
import { requireAccess, type Subject, templateObject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { evaluateWorkspaceTags, type TagInputs, toRecord } from "../builds/evaluate-workspace-tags.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { FileRow, TemplateRow, TemplateVersionRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { readableFile, storeFile } from "../files/file-queries.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import { jobPriority } from "../jobs/job-priority.ts";
import { importJobTags } from "../jobs/job-tags.ts";
import { postJob } from "../jobs/post-job.ts";
import { findExample } from "./examples.ts";
import { findTemplate } from "./find-template.ts";
import { openTemplate } from "./open-template.ts";
import { templateOwner } from "./template-owner.ts";
import { readVersionVariables, sealVariableValues, type VariableValue } from "./version-variables.ts";

export type CreateVersionInput = {
  subject: Subject;
  organizationId: string;
  body: templateVersions.CreateTemplateVersionRequest;
  origin: AuditEntry["request"];
};

/** The tags of the import; refuses variables that break the rules of the template, before any daemon is asked. */
async function evaluateVersion(opened: OpenedTemplate, inputs: TagInputs): Promise<Tags> {
  const tags = await evaluateWorkspaceTags(opened, inputs);
  const { variables, owner } = inputs;
  const broken = await opened.validateVariables({ variables: toRecord(variables), owner });
  if (broken.length === 0) return tags;
  throw new ApiError(
    "bad_request",
    "Values of variables break rules of the template. Give others with --variable, or mend the template.",
    { detail: broken.map(formatDiagnostic).join("\n") },
  );
}

/** Creates a version from an archive and queues its import, in one transaction. */
export async function createVersion(deps: Deps, input: CreateVersionInput): Promise<TemplateVersionRow> {
  const { subject, organizationId, body } = input;
  const template = await requireCreatable(deps, input);
  const file = await findArchive(deps, subject, body);
  const active = template
    ? await readVersionVariables(deps.db, deps.keyring, template.active_version_id)
    : [];
  // Echo archives hold no Terraform code to read tags from.
  const workspaceTags =
    body.provisioner === "terraform"
      ? await evaluateVersion(await openTemplate(deps, file.id, file.data), {
          variables: overlay(active, body.user_variable_values),
          parameters: [],
          // At import the owner is the one who uploads it (provisioning.md 7.4).
          owner: await templateOwner(deps.db, subject.userId, organizationId),
          // What the provider says where there is no workspace yet (provisioning.md 13.3).
          workspace: { name: "default", transition: "start" },
        })
      : {};
  const id = randomUUID();
  const name = body.name || randomName();
  const now = deps.clock.now();
  return deps.db.transaction().execute(async (tx) => {
    const job = await postJob(tx, deps, {
      organizationId,
      initiatorId: subject.userId,
      type: "template_version_import",
      provisioner: body.provisioner,
      fileId: file.id,
      input: {
        template_id: template?.id ?? null,
        template_version_id: id,
        user_variable_values: sealVariableValues(deps.keyring, id, body.user_variable_values),
        // Told apart from those of the code, which the next version's own code decides anew.
        requested_tags: body.tags,
      },
      tags: importJobTags(subject.userId, workspaceTags, body.tags),
      priority: jobPriority.people,
    });
    const version = await insertVersion(tx, {
      id,
      organization_id: organizationId,
      template_id: template?.id ?? null,
      job_id: job.id,
      name,
      message: body.message,
      has_workspace_tags: Object.keys(workspaceTags).length > 0,
      created_by: subject.userId,
      created_at: now,
      updated_at: now,
    });
    await deps.audit.record(tx, {
      action: "create",
      resourceType: "template_version",
      resourceId: id,
      resourceTarget: name,
      organizationId,
      statusCode: 201,
      userId: subject.userId,
      request: input.origin,
    });
    if (template) await deps.events.publish(tx, "template", template.id);
    return version;
  });
}

async function requireCreatable(deps: Deps, input: CreateVersionInput): Promise<TemplateRow | null> {
  const { subject, organizationId, body } = input;
  if (!body.template_id) {
    requireAccess(subject, "create", { type: "template", organizationId });
    return null;
  }
  const template = await findTemplate(deps.db, subject, body.template_id);
  if (template.organization_id !== organizationId) {
    throw invalidField("template_id", "template_id must be a template of the organization.");
  }
  requireAccess(subject, "update", templateObject(template));
  return template;
}

async function findArchive(
  deps: Deps,
  subject: Subject,
  body: templateVersions.CreateTemplateVersionRequest,
): Promise<Pick<FileRow, "id" | "data">> {
  if (body.file_id) {
    const file = await readableFile(deps.db, subject, body.file_id);
    if (file) return file;
    throw new ApiError(
      "not_found",
      "The file does not exist, or you may not read it. Upload the archive first.",
      {
        validations: [{ field: "file_id", detail: "file_id must be the hash that POST /files answered." }],
      },
    );
  }
  const example = await findExample(body.example_id ?? "");
  if (!example)
    throw invalidField(
      "example_id",
      `example_id must be one of GET /templates/examples, got "${body.example_id}".`,
    );
  const { tar } = await packDirectory(example.directory);
  const { id } = await storeFile(deps.db, { createdBy: subject.userId, data: tar, now: deps.clock.now() });
  return { id, data: tar };
}

/** Given values over those of the active version: what the import will see (provisioning.md 8.2). */
function overlay(active: readonly VariableValue[], given: readonly VariableValue[]): VariableValue[] {
  return [...active.map(({ name, value }) => ({ name, value })), ...given];
}

async function insertVersion(
  tx: Tx,
  values: Parameters<ReturnType<typeof tx.insertInto<"template_versions">>["values"]>[0] & { name: string },
): Promise<TemplateVersionRow> {
  try {
    return await tx.insertInto("template_versions").values(values).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    if (!isUniqueViolation(error, "template_versions_name")) throw error;
    throw versionNameIsTaken(values.name);
  }
}

export function versionNameIsTaken(name: string): ApiError {
  return new ApiError(
    "conflict",
    `The template has a version named "${name}" already. Choose another name.`,
    {
      validations: [{ field: "name", detail: "name must be unique among the versions of the template." }],
    },
  );
}
