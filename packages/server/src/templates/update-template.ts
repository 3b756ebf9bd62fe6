import type { templates } from "@slipway/api";
import { sql } from "kysely";
import { requireAccess, type Subject, templateObject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import type { Tx } from "../db/db.ts";
import type { TemplateRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { templateNameError } from "./create-template.ts";
import { templateColumns, templateDiff } from "./template-settings.ts";

export type UpdateTemplateInput = {
  subject: Subject;
  template: TemplateRow;
  body: templates.UpdateTemplateMeta;
  origin: AuditEntry["request"];
};

/** Changes what the request names, and keeps the rest. */
export async function updateTemplate(deps: Deps, input: UpdateTemplateInput): Promise<TemplateRow> {
  const { subject, template, body } = input;
  requireAccess(subject, "update", templateObject(template));
  const changes = {
    ...templateColumns(body),
    ...(body.name ? { name: body.name } : {}),
    ...(body.deprecation_message === undefined ? {} : { deprecated: body.deprecation_message }),
  };
  const now = deps.clock.now();
  return deps.db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable("templates")
      .set({ ...changes, updated_at: now })
      .where("id", "=", template.id)
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw templateNameError(error, body.name ?? template.name);
      });
    await updateWorkspaceTimes(tx, row, body, now);
    await deps.audit.record(tx, {
      action: "write",
      resourceType: "template",
      resourceId: row.id,
      resourceTarget: row.name,
      resourceIcon: row.icon,
      organizationId: row.organization_id,
      statusCode: 200,
      userId: subject.userId,
      request: input.origin,
      diff: templateDiff(template, row),
    });
    await deps.events.publish(tx, "template", row.id);
    return row;
  });
}

/** Applies new dormancy rules to the workspaces that are there, so that they do not fall due at once. */
async function updateWorkspaceTimes(
  tx: Tx,
  template: TemplateRow,
  body: templates.UpdateTemplateMeta,
  now: Date,
): Promise<void> {
  const ofTemplate = () =>
    tx.updateTable("workspaces").where("template_id", "=", template.id).where("deleted", "=", false);
  if (body.update_workspace_last_used_at) await ofTemplate().set({ last_used_at: now }).execute();
  if (body.update_workspace_dormant_at) {
    await ofTemplate().set({ dormant_at: now }).where("dormant_at", "is not", null).execute();
  }
  if (body.time_til_dormant_autodelete_ms === undefined && !body.update_workspace_dormant_at) return;
  const seconds = template.time_til_dormant_autodelete_ms / 1000;
  await ofTemplate()
    .set({
      deleting_at: seconds > 0 ? sql<Date>`dormant_at + make_interval(secs => ${seconds}::float8)` : null,
    })
    .where("dormant_at", "is not", null)
    .execute();
}
