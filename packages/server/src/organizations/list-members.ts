import type { members } from "@slipway/api";
import { accessFilter } from "../access/access-filter.ts";
import type { Subject } from "../access/authorize.ts";
import { toSlimOrganizationRoles, toSlimSiteRoles } from "../access/to-api-roles.ts";
import type { Db } from "../db/db.ts";
import type { OrganizationMemberRow, UserRow } from "../db/schema.ts";
import { readSearch } from "../http/search-query.ts";

export type MemberWithUser = { membership: OrganizationMemberRow; user: UserRow };

export type MemberPage = {
  q?: string | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
  after_id?: string | undefined;
  /** One member only. */
  userId?: string;
};

/** The members of an organization whom the caller may see, by username, and how many there are in all. */
export async function listMembers(
  db: Db,
  subject: Subject,
  organizationId: string,
  page: MemberPage = {},
): Promise<{ rows: MemberWithUser[]; count: number }> {
  const search = readSearch(page.q ?? "", ["user_id", "github_user_id", "include_system"]);
  if (search.freeText) search.refuse("q", "takes no free text here. Use user_id:<uuid>.");
  const userId = page.userId ?? search.uuid("user_id");
  const includeSystem = search.bool("include_system") ?? false;
  const byGithub = search.text("github_user_id") !== undefined;
  search.done();

  let matching = db
    .selectFrom("organization_members")
    .innerJoin("users", "users.id", "organization_members.user_id")
    .where("organization_members.organization_id", "=", organizationId)
    .where("users.deleted", "=", false)
    .where(accessFilter(subject, "read", "organization_member"));
  if (userId) matching = matching.where("users.id", "=", userId);
  if (!includeSystem) matching = matching.where("users.is_system", "=", false);
  // Accounts that log in by GitHub come later.
  if (byGithub) matching = matching.where("users.login_type", "=", "github");

  let query = matching
    .selectAll("users")
    .select([
      "organization_members.roles as member_roles",
      "organization_members.created_at as member_created_at",
      "organization_members.updated_at as member_updated_at",
    ])
    .orderBy((eb) => eb.fn("lower", ["users.username"]));
  const { after_id: afterId } = page;
  if (afterId) {
    query = query.where((eb) =>
      eb(
        eb.fn<string>("lower", ["users.username"]),
        ">",
        eb
          .selectFrom("users as last")
          .select((each) => each.fn<string>("lower", ["last.username"]).as("name"))
          .where("last.id", "=", afterId),
      ),
    );
  }
  if (page.limit && page.limit > 0) query = query.limit(page.limit);
  if (page.offset && page.offset > 0) query = query.offset(page.offset);
  const [rows, { count }] = await Promise.all([
    query.execute(),
    matching.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow(),
  ]);
  return {
    count,
    rows: rows.map(({ member_roles: roles, member_created_at, member_updated_at, ...user }) => ({
      user,
      membership: {
        organization_id: organizationId,
        user_id: user.id,
        roles,
        created_at: member_created_at,
        updated_at: member_updated_at,
      },
    })),
  };
}

export function toApiMember(row: OrganizationMemberRow): members.OrganizationMember {
  return {
    user_id: row.user_id,
    organization_id: row.organization_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    roles: toSlimOrganizationRoles(row.roles, row.organization_id),
  };
}

export function toApiMemberWithUser({
  membership,
  user,
}: MemberWithUser): members.OrganizationMemberWithUserData {
  return {
    ...toApiMember(membership),
    username: user.username,
    ...(user.name === "" ? {} : { name: user.name }),
    ...(user.avatar_url === "" ? {} : { avatar_url: user.avatar_url }),
    email: user.email,
    status: user.status,
    login_type: user.login_type,
    ...(user.last_seen_at ? { last_seen_at: user.last_seen_at.toISOString() } : {}),
    user_created_at: user.created_at.toISOString(),
    user_updated_at: user.updated_at.toISOString(),
    ...(user.is_service_account ? { is_service_account: true } : {}),
    global_roles: toSlimSiteRoles(user.roles),
    has_ai_seat: false,
  };
}
