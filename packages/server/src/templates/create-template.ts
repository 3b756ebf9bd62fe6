import { randomUUID } from "node:crypto";
import type { templates } from "@slipway/api";
import { requireAccess, type Subject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { requireImported } from "../builds/build-version.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { TemplateRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import { templateColumns, templateDiff } from "./template-settings.ts";

export type CreateTemplateInput = {
  subject: Subject;
  organizationId: string;
  body: templates.CreateTemplateRequest;
  origin: AuditEntry["request"];
};

/** Makes a template of an imported version that belongs to none yet. */
export async function createTemplate(deps: Deps, input: CreateTemplateInput): Promise<TemplateRow> {
  const { subject, organizationId, body } = input;
  requireAccess(subject, "create", { type: "template", organizationId });
  // Creation has names of its own for three settings.
  const settings = templateColumns({
    ...body,
    time_til_dormant_ms: body.dormant_ttl_ms,
    time_til_dormant_autodelete_ms: body.delete_ttl_ms,
    use_classic_parameter_flow: body.template_use_classic_parameter_flow,
    disable_module_cache: undefined,
    update_workspace_last_used_at: undefined,
    update_workspace_dormant_at: undefined,
  });
  const now = deps.clock.now();
  return deps.db.transaction().execute(async (tx) => {
    const provisioner = await claimVersion(tx, organizationId, body.template_version_id);
    const row = await insertTemplate(tx, {
      ...settings,
      id: randomUUID(),
      organization_id: organizationId,
      name: body.name,
      provisioner,
      active_version_id: body.template_version_id,
      created_by: subject.userId,
      created_at: now,
      updated_at: now,
    });
    await tx
      .updateTable("template_versions")
      .set({ template_id: row.id, updated_at: now })
      .where("id", "=", body.template_version_id)
      .execute();
    await deps.audit.record(tx, {
      action: "create",
      resourceType: "template",
      resourceId: row.id,
      resourceTarget: row.name,
      resourceIcon: row.icon,
      organizationId,
      statusCode: 201,
      userId: subject.userId,
      request: input.origin,
      diff: templateDiff({}, row),
    });
    await deps.events.publish(tx, "template", row.id);
    return row;
  });
}

/** Locks the version that the template is made of; two templates cannot share one. */
async function claimVersion(tx: Tx, organizationId: string, versionId: string) {
  const version = await tx
    .selectFrom("template_versions as v")
    .innerJoin("provisioner_jobs as j", "j.id", "v.job_id")
    .select(["v.name", "v.template_id", "v.archived", "j.status", "j.error", "j.provisioner"])
    .where("v.id", "=", versionId)
    .where("v.organization_id", "=", organizationId)
    .forUpdate("v")
    .executeTakeFirst();
  if (!version)
    throw invalidField("template_version_id", "template_version_id must be a version of the organization.");
  if (version.template_id) {
    throw invalidField(
      "template_version_id",
      `template_version_id must not belong to a template already, and ${version.name} does.`,
    );
  }
  requireImported(version.name, version.status, version.error);
  return version.provisioner;
}

async function insertTemplate(
  tx: Tx,
  values: Parameters<ReturnType<typeof tx.insertInto<"templates">>["values"]>[0] & { name: string },
): Promise<TemplateRow> {
  try {
    return await tx.insertInto("templates").values(values).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    throw templateNameError(error, values.name);
  }
}

/** Turns a clash of names into the documented conflict; anything else stays what it is. */
export function templateNameError(error: unknown, name: string): unknown {
  if (!isUniqueViolation(error, "templates_name")) return error;
  return new ApiError(
    "conflict",
    `A template named "${name}" already exists in the organization. Choose another name.`,
    {
      validations: [
        { field: "name", detail: "name must be unique among the templates of the organization." },
      ],
    },
  );
}
