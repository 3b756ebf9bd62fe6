import { randomUUID } from "node:crypto";
import type { workspaces } from "@slipway/api";
import { authorize, requireAccess, type Subject, templateObject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { insertBuild } from "../builds/insert-build.ts";
import { planBuild } from "../builds/plan-build.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { TemplateRow, UserRow, WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField, notFound } from "../http/api-error.ts";
import { checkAutostartSchedule } from "./check-autostart-schedule.ts";
import { workspaceTtlMs } from "./workspace-ttl.ts";

export type CreateInput = {
  subject: Subject;
  owner: UserRow;
  /** Set by the older address, which names the organization: the template must be one of its. */
  organizationId?: string;
  body: workspaces.CreateWorkspaceRequest;
  origin: AuditEntry["request"];
};

/** Creates a workspace and queues its first build, in one transaction. */
export async function createWorkspace(deps: Deps, input: CreateInput): Promise<WorkspaceRow> {
  const { subject, owner, body } = input;
  const template = await findTemplate(deps, input);
  await requireCreatable(deps, subject, template, owner);
  const now = deps.clock.now();
  const values = {
    id: randomUUID(),
    owner_id: owner.id,
    organization_id: template.organization_id,
    template_id: template.id,
    name: body.name,
    autostart_schedule: autostartSchedule(body.autostart_schedule, template),
    ttl_ms: workspaceTtlMs(body.ttl_ms, template),
    automatic_updates: body.automatic_updates ?? ("never" as const),
    last_used_at: now,
    created_at: now,
    updated_at: now,
  };
  await requireFreeName(deps, owner, body.name);
  const plan = await planBuild(deps, {
    workspace: { ...values, deleted: false, dormant_at: null },
    template,
    subject,
    initiatorId: subject.userId,
    request: {
      transition: "start",
      versionId: body.template_version_id,
      presetId: body.template_version_preset_id,
      parameters: body.rich_parameter_values,
      reason: "initiator",
    },
  });
  return deps.db.transaction().execute(async (tx) => {
    await requireTemplateStays(tx, template.id);
    const row = await insertWorkspace(tx, owner, values);
    await deps.audit.record(tx, {
      action: "create",
      resourceType: "workspace",
      resourceId: row.id,
      resourceTarget: row.name,
      organizationId: row.organization_id,
      statusCode: 201,
      userId: subject.userId,
      request: input.origin,
      diff: {
        name: { new: row.name, secret: false },
        owner_id: { new: row.owner_id, secret: false },
        template_id: { new: row.template_id, secret: false },
      },
    });
    await insertBuild(tx, deps, plan, { origin: input.origin });
    return row;
  });
}

/** The template that the request names, or the one of the version that it names. */
async function findTemplate(
  deps: Deps,
  { subject, organizationId, body }: CreateInput,
): Promise<TemplateRow> {
  const { template_id: templateId, template_version_id: versionId } = body;
  const template = await deps.db
    .selectFrom("templates as t")
    .selectAll("t")
    .where("t.deleted", "=", false)
    .$if(organizationId !== undefined, (query) =>
      query.where("t.organization_id", "=", organizationId ?? null),
    )
    .where((eb) =>
      templateId
        ? eb("t.id", "=", templateId)
        : eb(
            "t.id",
            "=",
            eb
              .selectFrom("template_versions as v")
              .select("v.template_id")
              .where("v.id", "=", versionId ?? null),
          ),
    )
    .executeTakeFirst();
  if (!template || !authorize(subject, "read", templateObject(template))) throw notFound();
  return template;
}

async function requireCreatable(
  deps: Deps,
  subject: Subject,
  template: TemplateRow,
  owner: UserRow,
): Promise<void> {
  requireAccess(subject, "use", templateObject(template));
  requireAccess(subject, "create", {
    type: "workspace",
    ownerId: owner.id,
    organizationId: template.organization_id,
  });
  if (template.deprecated !== "") {
    throw new ApiError(
      "bad_request",
      `The template ${template.name} is deprecated: no new workspaces can be created from it.`,
      {
        detail: template.deprecated,
        validations: [{ field: "template_id", detail: "template_id must not be a deprecated template." }],
      },
    );
  }
  const member = await deps.db
    .selectFrom("organization_members")
    .select("user_id")
    .where("organization_id", "=", template.organization_id)
    .where("user_id", "=", owner.id)
    .executeTakeFirst();
  if (!member) {
    throw new ApiError(
      "bad_request",
      `${owner.username} is not a member of the organization of the template ${template.name}. Add them to it first.`,
    );
  }
}

function autostartSchedule(schedule: string | undefined, template: TemplateRow): string | null {
  if (!schedule) return null;
  const problem = checkAutostartSchedule(schedule);
  if (problem) throw invalidField("schedule", `schedule ${problem}`);
  if (template.allow_user_autostart) return schedule;
  throw invalidField(
    "schedule",
    `schedule must be empty: the template ${template.name} does not allow autostart.`,
  );
}

/** Spares a plan that could not be stored; the unique index decides when two ask at once. */
async function requireFreeName(deps: Deps, owner: UserRow, name: string): Promise<void> {
  const taken = await deps.db
    .selectFrom("workspaces")
    .select("id")
    .where("owner_id", "=", owner.id)
    .where((eb) => eb(eb.fn("lower", ["name"]), "=", name.toLowerCase()))
    .where("deleted", "=", false)
    .executeTakeFirst();
  if (taken) throw nameIsTaken(owner.username, name);
}

/** Locks the template against a deletion, which looks for workspaces before it goes on. */
async function requireTemplateStays(tx: Tx, templateId: string): Promise<void> {
  const row = await tx
    .selectFrom("templates")
    .select("id")
    .where("id", "=", templateId)
    .where("deleted", "=", false)
    .forShare()
    .executeTakeFirst();
  if (!row) throw notFound();
}

async function insertWorkspace(
  tx: Tx,
  owner: UserRow,
  values: Parameters<ReturnType<typeof tx.insertInto<"workspaces">>["values"]>[0] & { name: string },
): Promise<WorkspaceRow> {
  try {
    return await tx.insertInto("workspaces").values(values).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    if (!isUniqueViolation(error, "workspaces_name")) throw error;
    throw nameIsTaken(owner.username, values.name);
  }
}

export function nameIsTaken(ownerName: string, name: string): ApiError {
  return new ApiError(
    "conflict",
    `${ownerName} has a workspace named "${name}" already. Choose another name.`,
    {
      validations: [{ field: "name", detail: `name must be unique among the workspaces of ${ownerName}.` }],
    },
  );
}
