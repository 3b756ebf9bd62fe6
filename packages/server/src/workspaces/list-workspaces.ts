import { type RawBuilder, type SqlBool, sql } from "kysely";
import { accessFilter, type Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { WorkspaceConditions } from "./workspace-search.ts";

export type WorkspacePage = { rows: WorkspaceRow[]; count: number };

/**
 * One page of the workspaces that the caller may see, their favourites first, then by owner and name; and how
 * many there are in all. Written as SQL: the joins depend on the search, and Kysely's types on the joins.
 */
export async function listWorkspaces(
  db: Db,
  subject: Subject,
  conditions: WorkspaceConditions,
  page: { limit?: number | undefined; offset?: number | undefined; afterId?: string | undefined },
): Promise<WorkspacePage> {
  const where: RawBuilder<SqlBool>[] = [
    sql`not w.deleted`,
    sql`${accessFilter(subject, "read", "workspace", "w")}`,
    ...conditions.where,
  ];
  const from = sql`workspaces w
    join users o on o.id = w.owner_id
    join templates t on t.id = w.template_id
    ${conditions.needsLatestBuild ? latestBuild : sql``}
    where ${sql.join(where, sql` and `)}`;
  const limit = page.limit && page.limit > 0 ? sql`limit ${page.limit}` : sql``;
  const offset = page.offset && page.offset > 0 ? sql`offset ${page.offset}` : sql``;
  const [rows, count] = await Promise.all([
    sql<WorkspaceRow>`select w.* from ${from} ${page.afterId ? after(subject, page.afterId) : sql``}
      order by ${sortKey(subject)} ${limit} ${offset}`.execute(db),
    sql<{ count: number }>`select count(*) from ${from}`.execute(db),
  ]);
  return { rows: rows.rows, count: count.rows[0]?.count ?? 0 };
}

const latestBuild = sql`cross join lateral (
  select b.id, b.template_version_id, b.transition, j.status as job_status, v.has_external_agent
  from workspace_builds b
  join provisioner_jobs j on j.id = b.job_id
  join template_versions v on v.id = b.template_version_id
  where b.workspace_id = w.id order by b.build_number desc limit 1
) latest`;

// Names are ASCII: comparing bytes gives the same order as a locale's rules, in a fraction of the time.
function sortKey(subject: Subject) {
  return sql`not (w.favorite and w.owner_id = ${subject.userId}),
    lower(o.username) collate "C", lower(w.name) collate "C", w.id`;
}

function after(subject: Subject, id: string) {
  return sql`and (not (w.favorite and w.owner_id = ${subject.userId}),
      lower(o.username) collate "C", lower(w.name) collate "C", w.id) > (
    select not (a.favorite and a.owner_id = ${subject.userId}),
      lower(ao.username) collate "C", lower(a.name) collate "C", a.id
    from workspaces a join users ao on ao.id = a.owner_id where a.id = ${id})`;
}
