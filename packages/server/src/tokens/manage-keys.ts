import { mayAssignAll } from "../access/assignable-roles.ts";
import { authorize, userObject } from "../access/authorize.ts";
import { scopesAllow } from "../access/scopes.ts";
import type { Db, Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import { ApiError, notFound } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";

type KeyAction = "create" | "read" | "update" | "delete";

/**
 * Whether the caller may deal with keys of this account. Besides owners and the account itself, those who
 * manage users may for a service account, as long as they could have given it every role that it has: a
 * key for it is then nothing that they could not have had anyway.
 */
export async function mayManageKeys(
  executor: Db | Tx,
  auth: Auth,
  action: KeyAction,
  target: UserRow,
  keyId?: string,
): Promise<boolean> {
  const { subject } = auth;
  if (authorize(subject, action, { type: "api_key", id: keyId, ownerId: target.id })) return true;
  if (!target.is_service_account || !scopesAllow(subject.scopes, action, "api_key")) return false;
  if (!authorize(subject, "update", userObject(target))) return false;
  const memberships = await executor
    .selectFrom("organization_members")
    .select(["organization_id", "roles"])
    .where("user_id", "=", target.id)
    .execute();
  const organizations = new Map(memberships.map((row) => [row.organization_id, row.roles] as const));
  return mayAssignAll(subject, { site: target.roles, organizations });
}

/** Refuses with 404 where not even reading is allowed, else with 403. */
export async function requireManageKeys(
  executor: Db | Tx,
  auth: Auth,
  action: KeyAction,
  target: UserRow,
  keyId?: string,
): Promise<void> {
  if (await mayManageKeys(executor, auth, action, target, keyId)) return;
  if (action === "read" || action === "delete" || action === "update") throw notFound();
  throw new ApiError("forbidden", `You may not create keys for ${target.username}.`, {
    detail: "It needs the permission api_key:create on this account.",
    refused: { action, object: { type: "api_key", id: keyId, ownerId: target.id } },
  });
}
