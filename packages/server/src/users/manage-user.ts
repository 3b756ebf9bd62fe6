import { mayAssignOrganizationRole, mayAssignSiteRole } from "../access/assignable-roles.ts";
import { requireAccess, userObject } from "../access/authorize.ts";
import type { Action } from "../access/resources.ts";
import type { Db } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import { ApiError } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";

/**
 * Whether the caller may manage this account. Besides the permission they need to be able to give the
 * roles that it has: who resets an owner's password, or renames one, could otherwise become one.
 */
export function requireMayManage(auth: Auth, action: Action, target: UserRow): void {
  requireAccess(auth.subject, action, userObject(target));
  if (target.id === auth.user.id) return;
  const above = target.roles.filter((role) => !mayAssignSiteRole(auth.subject, role));
  if (above.length === 0) return;
  throw new ApiError("forbidden", `You may not manage a user with the role ${above.join(", ")}.`, {
    detail: "Only those who may assign a role may manage the accounts that have it.",
  });
}

/**
 * Whether the caller may have the account: log in as it with a password of their choice. Roles in organizations count
 * too then, for who may not make an organization's admin must not become one either.
 */
export async function requireMayTakeOver(db: Db, auth: Auth, target: UserRow): Promise<void> {
  requireMayManage(auth, "update", target);
  const memberships = await db
    .selectFrom("organization_members")
    .select(["organization_id", "roles"])
    .where("user_id", "=", target.id)
    .execute();
  const above = memberships.flatMap(({ organization_id: organizationId, roles }) =>
    roles.filter((role) => !mayAssignOrganizationRole(auth.subject, organizationId, role)),
  );
  if (above.length === 0) return;
  const names = [...new Set(above)].join(", ");
  throw new ApiError("forbidden", `You may not set the password of a user with the role ${names}.`, {
    detail: "Only those who may assign a role may set passwords of the accounts that have it. Ask an owner.",
  });
}
