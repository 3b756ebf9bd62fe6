import { mayAssignOrganizationRole, mayAssignSiteRole } from "../access/assignable-roles.ts";
import { requireAccess, userObject } from "../access/authorize.ts";
import type { Action } from "../access/resources.ts";
import type { Db, Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import { ApiError, notFound } from "../http/api-error.ts";
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
    refused: { action, object: userObject(target) },
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
    refused: { action: "update", object: userObject(target) },
  });
}

/**
 * The site roles of an account that is about to lose some, locked together with the caller's own account: of two owners
 * who remove each other at once, the second is none any more, and the deployment keeps one.
 */
export async function lockRoles(tx: Tx, auth: Auth, target: UserRow): Promise<string[]> {
  const rows = await tx
    .selectFrom("users")
    .select(["id", "roles"])
    .where("id", "in", [auth.user.id, target.id])
    .where("deleted", "=", false)
    .orderBy("id")
    .forUpdate()
    .execute();
  const before = rows.find(({ id }) => id === target.id)?.roles;
  if (before === undefined) throw notFound();
  const own = rows.find(({ id }) => id === auth.user.id)?.roles ?? [];
  if (auth.user.roles.every((role) => own.includes(role))) return before;
  throw new ApiError("conflict", "Your own roles were changed meanwhile.", {
    detail: "Look at them again, and repeat the request if they still allow it.",
  });
}
