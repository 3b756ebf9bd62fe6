import { type RawBuilder, type SqlBool, sql } from "kysely";
import { accessFilter } from "../access/access-filter.ts";
import type { Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { WorkspaceConditions } from "./workspace-search.ts";

export type WorkspacePage = { rows: WorkspaceRow[]; count: number };
export type PageOptions = {
  limit?: number | undefined;
  offset?: number | undefined;
  afterId?: string | undefined;
};

/**
 * One page of the workspaces that the caller may see, their favourites first, then by owner and name; and how
 * many there are in all. Written as SQL: the joins depend on the search, and Kysely's types on the joins.
 *
 * Favourites are read apart from the rest, so that the rest comes in the order of two indexes: the first page of
 * ten thousand workspaces sorts none of them.
 */
export async function listWorkspaces(
  db: Db,
  subject: Subject,
  conditions: WorkspaceConditions,
  page: PageOptions,
): Promise<WorkspacePage> {
  const from = matching(subject, conditions, sql`inner`);
  const isFavorite = sql`(w.favorite and w.owner_id = ${subject.userId})`;
  const after = page.afterId ? await afterCondition(db, subject, page.afterId) : null;
  const [favorites, count] = await Promise.all([
    sql<WorkspaceRow>`select w.* ${from} and ${isFavorite} ${after?.favorites ?? sql``} order by ${sortKey}`.execute(
      db,
    ),
    sql<{ count: number }>`select count(*) as count ${matching(subject, conditions, sql`left`)}`.execute(db),
  ]);
  const offset = Math.max(0, page.offset ?? 0);
  const limit = page.limit && page.limit > 0 ? page.limit : null;
  const first = favorites.rows.slice(offset, limit === null ? undefined : offset + limit);
  const left = limit === null ? null : limit - first.length;
  if (left === 0) return { rows: first, count: count.rows[0]?.count ?? 0 };
  const rest = await sql<WorkspaceRow>`select w.* ${from} and not ${isFavorite} ${after?.rest ?? sql``}
    order by ${sortKey} limit ${left} offset ${Math.max(0, offset - favorites.rows.length)}`.execute(db);
  return { rows: [...first, ...rest.rows], count: count.rows[0]?.count ?? 0 };
}

const sortKey = sql`lower(o.username), lower(w.name), w.id`;

/** The workspaces that the search finds. Postgres drops outer joins of which nothing is used, as when it counts. */
function matching(subject: Subject, conditions: WorkspaceConditions, joinOwner: RawBuilder<unknown>) {
  const where: RawBuilder<SqlBool>[] = [
    sql`not w.deleted`,
    sql`${accessFilter(subject, "read", "workspace", "w")}`,
    ...conditions.where,
  ];
  return sql`from workspaces w
    ${joinOwner} join users o on o.id = w.owner_id
    left join templates t on t.id = w.template_id
    ${conditions.needsLatestBuild ? latestBuild : sql``}
    where ${sql.join(where, sql` and `)}`;
}

const latestBuild = sql`join lateral (
  select b.id, b.template_version_id, b.transition, j.status as job_status, v.has_external_agent
  from workspace_builds b
  join provisioner_jobs j on j.id = b.job_id
  join template_versions v on v.id = b.template_version_id
  where b.id = w.latest_build_id
) latest on true`;

/** What comes after a workspace of the list: of its own kind the ones behind it, and after a favourite all others. */
async function afterCondition(db: Db, subject: Subject, id: string) {
  const { rows } = await sql<{ username: string; name: string; favorite: boolean }>`
    select lower(o.username) as username, lower(w.name) as name,
      (w.favorite and w.owner_id = ${subject.userId}) as favorite
    from workspaces w join users o on o.id = w.owner_id where w.id = ${id}`.execute(db);
  const found = rows[0];
  const nothing = sql`and false`;
  if (!found) return { favorites: nothing, rest: nothing };
  const behind = sql`and (lower(o.username), lower(w.name), w.id) > (${found.username}, ${found.name}, ${id}::uuid)`;
  return found.favorite ? { favorites: behind, rest: sql`` } : { favorites: nothing, rest: behind };
}
