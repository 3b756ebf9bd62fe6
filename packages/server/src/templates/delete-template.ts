import type { Subject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import type { TemplateRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

/** Deletes a template that nothing was built from. Returns how many workspaces stand in the way. */
export async function deleteTemplate(
  deps: Deps,
  input: { subject: Subject; template: TemplateRow; origin: AuditEntry["request"] },
): Promise<number> {
  const { subject, template, origin } = input;
  const now = deps.clock.now();
  return deps.db.transaction().execute(async (tx) => {
    // Locked against a workspace that is being created: its row refers to this one.
    await tx.selectFrom("templates").select("id").where("id", "=", template.id).forUpdate().execute();
    const { count } = await tx
      .selectFrom("workspaces")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where("template_id", "=", template.id)
      .where("deleted", "=", false)
      .executeTakeFirstOrThrow();
    if (count > 0) return count;
    await tx
      .updateTable("templates")
      .set({ deleted: true, updated_at: now })
      .where("id", "=", template.id)
      .execute();
    await deps.audit.record(tx, {
      action: "delete",
      resourceType: "template",
      resourceId: template.id,
      resourceTarget: template.name,
      resourceIcon: template.icon,
      organizationId: template.organization_id,
      statusCode: 200,
      userId: subject.userId,
      request: origin,
    });
    await deps.events.publish(tx, "template", template.id);
    return 0;
  });
}
