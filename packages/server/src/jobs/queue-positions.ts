import { daemons } from "@slipway/api";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import { tagsMatchSql } from "./tags-sql.ts";

export type QueuePosition = {
  /** From 1; 0 when no live daemon could run the job. */
  position: number;
  size: number;
  /** Live daemons that could run it. */
  workers: string[];
};

/**
 * Where pending jobs stand: for each the lowest rank that it has among the pending jobs that one of its
 * daemons could run. Daemons not seen for 90 s do not count (provisioning.md §1.7).
 */
export async function queuePositions(
  db: Db | Tx,
  jobIds: readonly string[],
): Promise<Map<string, QueuePosition>> {
  if (jobIds.length === 0) return new Map();
  const job = sql.ref("job.tags");
  const other = sql.ref("other.tags");
  const daemon = sql.ref("daemon.tags");
  const { rows } = await sql<{ id: string; position: number; size: number; workers: string[] }>`
    select job.id, coalesce(min(ranked.position), 0) as position,
      coalesce((array_agg(ranked.size order by ranked.position))[1], 0) as size,
      coalesce(array_agg(daemon.id::text order by daemon.id) filter (where daemon.id is not null), '{}') as workers
    from provisioner_jobs job
    left join provisioner_daemons daemon on daemon.organization_id = job.organization_id
      and daemon.last_seen_at > now() - ${daemons.daemonOfflineAfterMs} * interval '1 millisecond'
      and job.provisioner = any(daemon.provisioners)
      and ${tagsMatchSql(daemon, job)}
    left join lateral (
      select count(*) filter (where (other.priority, other.created_at, other.id) <= (job.priority, job.created_at, job.id)) as position,
        count(*) as size
      from provisioner_jobs other
      where other.organization_id = job.organization_id
        and other.started_at is null and other.canceled_at is null and other.completed_at is null
        and other.provisioner = any(daemon.provisioners)
        and ${tagsMatchSql(daemon, other)}
    ) ranked on daemon.id is not null
    where job.id = any(${jobIds}::uuid[])
    group by job.id`.execute(db);
  return new Map(rows.map(({ id, position, size, workers }) => [id, { position, size, workers }]));
}
