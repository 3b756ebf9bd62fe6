import type { Subject } from "../access/authorize.ts";
import type { ServerConfig } from "../config/server-options.ts";
import type { KeyWithUser } from "./load-key.ts";

/** Who acts with this key, and what they may do. */
export function subjectOf(
  { key, user, organizations }: KeyWithUser,
  config: Pick<ServerConfig, "disableOwnerWorkspaceAccess">,
): Subject {
  return {
    userId: user.id,
    siteRoles: [...user.roles, "member"],
    organizations,
    scopes: key.scopes,
    allowList: key.allow_list,
    ownerMayEnterWorkspaces: !config.disableOwnerWorkspaceAccess,
  };
}

/** The session and the account to which something is held open, while both still hold; else which does not, and why. */
export function whoStill(
  found: KeyWithUser | null,
  userId: string,
  now: Date,
): KeyWithUser | { what: "session" | "account"; was: string } {
  if (found === null || found.user.id !== userId) return { what: "session", was: "was ended" };
  if (found.key.expires_at <= now) return { what: "session", was: "has expired" };
  if (found.user.deleted) return { what: "account", was: "was deleted" };
  return found.user.status === "suspended" ? { what: "account", was: "was suspended" } : found;
}
