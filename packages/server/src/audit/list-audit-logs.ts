import { audit, nilUuid } from "@slipway/api";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import { accessFilter } from "../access/access-filter.ts";
import type { Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { AuditLogRow, OrganizationRow, UserRow } from "../db/schema.ts";
import { readSearch } from "../http/search-query.ts";
import { toReducedUser } from "../users/to-api-user.ts";
import { auditConditions, auditSearchKeys } from "./audit-search.ts";
import { describeEntry } from "./describe-entry.ts";

const defaultLimit = 100;

type Page = { q?: string | undefined; limit?: number | undefined; offset?: number | undefined };

type ListedRow = AuditLogRow & {
  organization: Pick<OrganizationRow, "id" | "name" | "display_name" | "icon"> | null;
  is_deleted: boolean | null;
  /** Of a workspace, or of the workspace of a build. */
  workspace_path: string | null;
};

/** The entries that the caller may read, newest first, and how many there are, up to a cap. */
export async function listAuditLogs(db: Db, subject: Subject, page: Page): Promise<audit.AuditLogResponse> {
  const search = readSearch(page.q ?? "", auditSearchKeys);
  const conditions: RawBuilder<SqlBool>[] = [
    ...auditConditions(search, subject),
    sql`${accessFilter(subject, "read", "audit_log", "a")}`,
  ];
  search.done();
  const where = sql.join(conditions, sql` and `);
  const limit = page.limit && page.limit > 0 ? page.limit : defaultLimit;
  // Entries are chosen before anything is looked up for them: only the page's resources are.
  const rows = sql<ListedRow>`
    select a.*, to_jsonb(o) as organization, r.is_deleted, r.workspace_path from (
      select a.* from audit_logs a left join users u on u.id = a.user_id
      where ${where} order by a.time desc, a.id limit ${limit} offset ${Math.max(page.offset ?? 0, 0)}
    ) a
    left join lateral (select id, name, display_name, icon from organizations where id = a.organization_id) o on true
    left join lateral (${resource}) r on true
    order by a.time desc, a.id`.execute(db);
  const counted = sql<{ count: number }>`
    select count(*) as count from (
      select 1 from audit_logs a left join users u on u.id = a.user_id
      where ${where} limit ${audit.auditCountCap + 1}
    ) matching`.execute(db);
  const [listed, count] = await Promise.all([rows, counted]);
  const people = await usersOf(db, listed.rows);
  return {
    audit_logs: listed.rows.map((row) => toApiAuditLog(row, people.get(row.user_id ?? ""))),
    count: count.rows[0]?.count ?? 0,
    count_cap: audit.auditCountCap,
  };
}

/** What has become of the resource of the entry `a`, where that is told. */
const resource = sql`
  select t.deleted as is_deleted, null as workspace_path from templates t
    where a.resource_type = 'template' and t.id = a.resource_id
  union all select u.deleted, null from users u where a.resource_type = 'user' and u.id = a.resource_id
  union all select g.deleted, null from organizations g
    where a.resource_type = 'organization' and g.id = a.resource_id
  union all select w.deleted, '/@' || owner.username || '/' || w.name
    from workspaces w join users owner on owner.id = w.owner_id
    where a.resource_type = 'workspace' and w.id = a.resource_id
  union all select w.deleted, '/@' || owner.username || '/' || w.name || '/builds/' || b.build_number
    from workspace_builds b join workspaces w on w.id = b.workspace_id join users owner on owner.id = w.owner_id
    where a.resource_type = 'workspace_build' and b.id = a.resource_id`;

/** Who is named, deleted accounts too, by their ids. */
async function usersOf(db: Db, rows: readonly AuditLogRow[]): Promise<Map<string, UserRow>> {
  const ids = [...new Set(rows.flatMap((row) => row.user_id ?? []))];
  if (ids.length === 0) return new Map();
  const people = await db.selectFrom("users").selectAll().where("id", "in", ids).execute();
  return new Map(people.map((person) => [person.id, person]));
}

function toApiAuditLog(row: ListedRow, person: UserRow | undefined): audit.AuditLog {
  return {
    id: row.id,
    request_id: row.request_id ?? nilUuid,
    time: row.time.toISOString(),
    ip: row.ip ?? "",
    user_agent: row.user_agent,
    resource_type: row.resource_type,
    resource_id: row.resource_id ?? nilUuid,
    resource_target: row.resource_target,
    resource_icon: row.resource_icon,
    action: row.action,
    diff: row.diff,
    status_code: row.status_code,
    additional_fields: row.additional_fields,
    description: describeEntry(row),
    resource_link: linkTo(row),
    is_deleted: row.is_deleted ?? false,
    organization_id: row.organization_id ?? nilUuid,
    ...(row.organization ? { organization: row.organization } : {}),
    user: person ? toReducedUser(person) : null,
  };
}

/** Where the dashboard shows the resource; empty for what it has no page for. */
function linkTo(row: ListedRow): string {
  if (row.is_deleted) return "";
  switch (row.resource_type) {
    case "template":
      return `/templates/${row.organization ? `${row.organization.name}/` : ""}${row.resource_target}`;
    case "user":
      return `/users?filter=${encodeURIComponent(row.resource_target)}`;
    case "organization":
      return `/organizations/${row.resource_target}`;
    default:
      return row.workspace_path ?? "";
  }
}
