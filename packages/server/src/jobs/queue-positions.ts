import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import { liveDaemonSql } from "../provisioners/live-daemon-sql.ts";
import { fairOrderSql, initiatorShareSql, isPendingSql } from "./fair-order.ts";
import { tagsMatchSql } from "./tags-sql.ts";

export type QueuePosition = {
  /** From 1. */
  position: number;
  size: number;
};

/**
 * Where pending jobs stand: for each the lowest rank that it has among the pending jobs that one of its
 * daemons could run, in the order in which daemons take them (fair-order.ts). Daemons not seen for 90 s do not count
 * (provisioning.md §1.7); jobs that no other could run are left out.
 */
export async function queuePositions(
  db: Db | Tx,
  jobIds: readonly string[],
): Promise<Map<string, QueuePosition>> {
  if (jobIds.length === 0) return new Map();
  // Daemons with the same tags see the same queue: a fleet costs no more than one of them.
  const { rows } = await sql<{ id: string } & QueuePosition>`
    with organization as materialized (
      select distinct organization_id from provisioner_jobs where id = any(${jobIds}::uuid[])
    ), domain as materialized (
      select row_number() over () as number, alike.* from (
        select distinct organization_id, provisioners, tags from provisioner_daemons join organization using (organization_id)
        where ${liveDaemonSql("provisioner_daemons")}) alike
    ), share as materialized (
      select initiator.*, of_initiator.* from (
        select distinct organization_id, initiator_id from provisioner_jobs join organization using (organization_id)
        where ${isPendingSql("provisioner_jobs")}) initiator
      cross join lateral (
        ${initiatorShareSql(sql.ref("initiator.organization_id"), sql.ref("initiator.initiator_id"))}) of_initiator
    ), placed as (
      select domain.number, job.id, job.priority, job.queued_at, share.running, share.last_start,
        row_number() over in_list as place, first_value(job.queued_at) over in_list as first_queued_at
      from domain
      join provisioner_jobs job on job.organization_id = domain.organization_id and ${isPendingSql("job")}
        and job.provisioner = any(domain.provisioners)
        and ${tagsMatchSql(sql.ref("domain.tags"), sql.ref("job.tags"))}
      join share on share.organization_id = job.organization_id and share.initiator_id = job.initiator_id
      window in_list as (partition by domain.number, job.priority, job.initiator_id order by job.queued_at, job.id)
    ), ranked as (
      select id, row_number() over (partition by number order by ${fairOrderSql("placed")}) as position,
        count(*) over (partition by number) as size
      from placed
    )
    select distinct on (id) id, position, size from ranked
    where id = any(${jobIds}::uuid[])
    order by id, position`.execute(db);
  return new Map(rows.map(({ id, position, size }) => [id, { position, size }]));
}
