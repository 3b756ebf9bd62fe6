import type { users } from "@slipway/api";
import { toSlimSiteRoles } from "../access/to-api-roles.ts";
import type { Db, Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";

/** Users as the API shows them, with their organizations: one query for all of them. */
export async function toApiUsers(executor: Db | Tx, rows: readonly UserRow[]): Promise<users.User[]> {
  if (rows.length === 0) return [];
  const memberships = await executor
    .selectFrom("organization_members as m")
    .innerJoin("organizations as o", "o.id", "m.organization_id")
    .select(["m.user_id", "m.organization_id"])
    .where("o.deleted", "=", false)
    .where(
      "m.user_id",
      "in",
      rows.map((row) => row.id),
    )
    .orderBy("m.created_at")
    .execute();
  const byUser = Map.groupBy(memberships, (row) => row.user_id);
  return rows.map((row) => ({
    ...toReducedUser(row),
    organization_ids: (byUser.get(row.id) ?? []).map((membership) => membership.organization_id),
    roles: toSlimSiteRoles(row.roles),
    has_ai_seat: false,
  }));
}

export async function toApiUser(executor: Db | Tx, row: UserRow): Promise<users.User> {
  const [user] = await toApiUsers(executor, [row]);
  return user!; // One row in, one user out.
}

/** A person without their organizations and roles. */
export function toReducedUser(row: UserRow): users.ReducedUser {
  return {
    id: row.id,
    username: row.username,
    ...(row.name === "" ? {} : { name: row.name }),
    ...(row.avatar_url === "" ? {} : { avatar_url: row.avatar_url }),
    email: row.email,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...(row.last_seen_at ? { last_seen_at: row.last_seen_at.toISOString() } : {}),
    status: row.status,
    login_type: row.login_type,
    ...(row.is_service_account ? { is_service_account: true } : {}),
  };
}

/** What everybody may know of the person behind an action. */
export function toMinimalUser(
  row: Pick<UserRow, "id" | "username" | "name" | "avatar_url">,
): users.MinimalUser {
  return {
    id: row.id,
    username: row.username,
    ...(row.name === "" ? {} : { name: row.name }),
    ...(row.avatar_url === "" ? {} : { avatar_url: row.avatar_url }),
  };
}
