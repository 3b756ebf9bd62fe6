import { authorize, type Subject } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { loadKeyWithUser } from "../tokens/load-key.ts";
import type { WorkspaceEntry } from "./live-access.ts";

/**
 * Looks again at the ground on which something is held open: the key, the account, the workspace, the roles.
 * Null while all of it still holds, else the reason in words for the person who loses access.
 */
export async function whyNotAllowed(
  deps: Pick<Deps, "db" | "clock" | "config">,
  entry: WorkspaceEntry,
): Promise<string | null> {
  const [found, workspace] = await Promise.all([
    loadKeyWithUser(deps.db, entry.keyId),
    deps.db
      .selectFrom("workspaces")
      .select(["id", "owner_id", "organization_id", "deleted"])
      .where("id", "=", entry.workspaceId)
      .executeTakeFirst(),
  ]);
  if (!found || found.user.id !== entry.userId) return "Your session was ended.";
  if (found.key.expires_at <= deps.clock.now()) return "Your session has expired.";
  if (found.user.deleted) return "Your account was deleted.";
  if (found.user.status === "suspended") return "Your account was suspended.";
  if (!workspace || workspace.deleted) return "The workspace was deleted.";
  const subject: Subject = {
    userId: found.user.id,
    siteRoles: [...found.user.roles, "member"],
    organizations: found.organizations,
    scopes: found.key.scopes,
    allowList: found.key.allow_list,
    ownerMayEnterWorkspaces: !deps.config.disableOwnerWorkspaceAccess,
  };
  const object = {
    type: "workspace" as const,
    id: workspace.id,
    ownerId: workspace.owner_id,
    organizationId: workspace.organization_id,
  };
  return authorize(subject, entry.action, object) ? null : "Your access to this workspace was withdrawn.";
}
