import { authorize } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { subjectOf, whoStill } from "../tokens/account-of-key.ts";
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
  const still = whoStill(found, entry.userId, deps.clock.now());
  if ("was" in still) return `Your ${still.what} ${still.was}.`;
  if (!workspace || workspace.deleted) return "The workspace was deleted.";
  const object = {
    type: "workspace" as const,
    id: workspace.id,
    ownerId: workspace.owner_id,
    organizationId: workspace.organization_id,
  };
  return authorize(subjectOf(still, deps.config), entry.action, object)
    ? null
    : "Your access to this workspace was withdrawn.";
}
