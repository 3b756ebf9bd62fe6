import type { jobs } from "@slipway/api";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { Deps } from "../deps.ts";
import { liveDaemonSql } from "../provisioners/live-daemon-sql.ts";
import { tagsMatchSql } from "./tags-sql.ts";

/** How many daemons could take a job with these tags: what tells a person that nothing will happen by itself. */
export async function matchedProvisioners(
  db: Db | Tx,
  _deps: Deps,
  organizationId: string,
  tags: Readonly<Record<string, string>>,
): Promise<jobs.MatchedProvisioners> {
  const jobTags = sql`${JSON.stringify(tags)}::jsonb`;
  const { rows } = await sql<{ count: number; available: number; seen: Date | null }>`
    select count(*) as count,
      count(*) filter (where ${liveDaemonSql("provisioner_daemons")}) as available,
      max(last_seen_at) as seen
    from provisioner_daemons
    where organization_id = ${organizationId} and ${tagsMatchSql(sql.ref("tags"), jobTags)}`.execute(db);
  const found = rows[0];
  return {
    count: found?.count ?? 0,
    available: found?.available ?? 0,
    ...(found?.seen ? { most_recently_seen: found.seen.toISOString() } : {}),
  };
}
