import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ApiKeyRow, UserRow } from "../db/schema.ts";

export type KeyWithUser = {
  key: ApiKeyRow;
  user: UserRow;
  /** Roles by organization, with those that come with membership. */
  organizations: ReadonlyMap<string, readonly string[]>;
};

/** Loads all that a request's authentication needs, in one round trip. */
export async function loadKeyWithUser(db: Db, keyId: string): Promise<KeyWithUser | null> {
  const row = await db
    .selectFrom("api_keys as k")
    .innerJoin("users as u", "u.id", "k.user_id")
    .selectAll("u")
    .select([
      "k.id as key_id",
      "k.hashed_secret as key_hashed_secret",
      "k.login_type as key_login_type",
      "k.token_name as key_token_name",
      "k.scopes as key_scopes",
      "k.allow_list as key_allow_list",
      "k.lifetime_seconds as key_lifetime_seconds",
      "k.ip_address as key_ip_address",
      "k.last_used as key_last_used",
      "k.expires_at as key_expires_at",
      "k.created_at as key_created_at",
      "k.updated_at as key_updated_at",
      organizationRolesOf(sql.ref("u.id")).as("organization_roles"),
    ])
    .where("k.id", "=", keyId)
    .executeTakeFirst();
  if (!row) return null;
  const {
    key_id: id,
    key_hashed_secret: hashed_secret,
    key_login_type: login_type,
    key_token_name: token_name,
    key_scopes: scopes,
    key_allow_list: allow_list,
    key_lifetime_seconds: lifetime_seconds,
    key_ip_address: ip_address,
    key_last_used: last_used,
    key_expires_at: expires_at,
    key_created_at: created_at,
    key_updated_at: updated_at,
    organization_roles: roles,
    ...user
  } = row;
  const key: ApiKeyRow = {
    id,
    hashed_secret,
    user_id: user.id,
    login_type,
    token_name,
    scopes,
    allow_list,
    lifetime_seconds,
    ip_address,
    last_used,
    expires_at,
    created_at,
    updated_at,
  };
  return { key, user, organizations: organizationsMap(user.is_service_account, roles) };
}

/** Loads what a user may do when no key is at hand: on whose behalf background work is done. */
export async function loadOrganizationRoles(
  db: Db,
  user: Pick<UserRow, "id" | "is_service_account">,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ roles: Record<string, string[]> }>`
    select ${organizationRolesOf(sql`${user.id}::uuid`)} as roles`.execute(db);
  return organizationsMap(user.is_service_account, rows[0]?.roles ?? {});
}

function organizationRolesOf(userId: ReturnType<typeof sql>) {
  return sql<Record<string, string[]>>`(
    select coalesce(jsonb_object_agg(m.organization_id, to_jsonb(m.roles || o.default_org_member_roles)), '{}')
    from organization_members m join organizations o on o.id = m.organization_id
    where m.user_id = ${userId} and not o.deleted
  )`;
}

function organizationsMap(isServiceAccount: boolean, roles: Record<string, string[]>) {
  const implied = isServiceAccount ? "organization-service-account" : "organization-member";
  return new Map(Object.entries(roles).map(([id, names]) => [id, [...names, implied]] as const));
}
