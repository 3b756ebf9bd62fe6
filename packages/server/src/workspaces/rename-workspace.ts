import type { AuditEntry } from "../audit/audit.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";
import { nameIsTaken } from "./create-workspace.ts";

/** Gives a workspace another name, where the deployment or the template allows that: names may be part of resources. */
export async function renameWorkspace(
  deps: Deps,
  input: { workspace: WorkspaceRow; name: string; auth: Auth; origin: AuditEntry["request"] },
): Promise<void> {
  const { workspace, name, auth, origin } = input;
  const names = await deps.db
    .selectFrom("templates as t")
    .innerJoin("users as owner", (join) => join.on("owner.id", "=", workspace.owner_id))
    .select(["t.allow_workspace_renames", "owner.username"])
    .where("t.id", "=", workspace.template_id)
    .executeTakeFirstOrThrow();
  if (!deps.config.allowWorkspaceRenames && !names.allow_workspace_renames) {
    throw new ApiError("bad_request", "Workspace renames are not allowed.", {
      detail:
        "They can be allowed for the template (allow_workspace_renames) or the deployment (--allow-workspace-renames).",
    });
  }
  await deps.db.transaction().execute(async (tx) => {
    await tx
      .updateTable("workspaces")
      .set({ name, updated_at: deps.clock.now() })
      .where("id", "=", workspace.id)
      .execute()
      .catch((error: unknown) => {
        throw isUniqueViolation(error, "workspaces_name") ? nameIsTaken(names.username, name) : error;
      });
    await deps.audit.record(tx, {
      action: "write",
      resourceType: "workspace",
      resourceId: workspace.id,
      resourceTarget: name,
      organizationId: workspace.organization_id,
      statusCode: 204,
      userId: auth.user.id,
      request: origin,
      diff: { name: { old: workspace.name, new: name, secret: false } },
    });
    await deps.events.publish(tx, "workspace", workspace.id);
  });
}
