import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import { fairOrderSql, initiatorShareSql, isPendingSql } from "./fair-order.ts";
import { tagsMatchSql } from "./tags-sql.ts";

/** What daemons must have in common to be served by one query. */
export type AcquireDomain = {
  organizationId: string;
  provisioners: readonly string[];
  tags: Readonly<Record<string, string>>;
};

export type Taker = { daemonId: string; daemonName: string };

/** How many jobs more are looked at than are wanted, for others may be taking some of them in the same moment. */
const SPARE = 8;

/**
 * How long a state may be on its way to a daemon, at 128 kbit/s, but a minute at most: were the lease over before it has
 * arrived, the job would go to and fro between the queue and daemons for ever.
 */
const WAY_MS = sql`(
  select least(60000, octet_length(state.state) / 16)
  from workspace_builds build join workspace_build_states state on state.build_id = build.id
  where build.job_id = job.id)`;

/**
 * Leases the next jobs to these daemons, at most one each, in the order of fair-order.ts. Choosing and marking are one
 * statement: two daemons that ask at once never both see a job as free. The lease is counted on the database's clock.
 *
 * Only those initiators are looked at whose oldest jobs come first, and of each only as many jobs as are wanted: theirs
 * are the next ones, whatever else waits. Where others are just taking those, `rest` fills up with whatever is left: a
 * daemon never goes away empty-handed while there is work for it.
 */
export async function acquireJobs(
  db: Db,
  domain: AcquireDomain,
  takers: readonly Taker[],
  leaseMs: number,
): Promise<ProvisionerJobRow[]> {
  const wanted = takers.length;
  const looked = wanted + SPARE;
  const waits = sql`organization_id = ${domain.organizationId} and ${isPendingSql("provisioner_jobs")}`;
  const fits = sql`${waits} and provisioner = any(${domain.provisioners}::text[])
    and ${tagsMatchSql(sql`${JSON.stringify(domain.tags)}::jsonb`, sql.ref("tags"))}`;
  const { rows } = await sql<ProvisionerJobRow>`
    with recursive list as (
      (select priority, initiator_id from provisioner_jobs where ${waits} order by priority, initiator_id limit 1)
      union all
      select next.* from list, lateral (
        select priority, initiator_id from provisioner_jobs
        where ${waits} and (priority, initiator_id) > (list.priority, list.initiator_id)
        order by priority, initiator_id limit 1) next
    ), oldest as materialized (
      select list.*, job.id, job.queued_at, job.queued_at as first_queued_at, 1 as place
      from list cross join lateral (
        select id, queued_at from provisioner_jobs
        where ${fits} and priority = list.priority and initiator_id = list.initiator_id
        order by queued_at, id limit 1) job
    ), next_list as materialized (
      select * from (
        select oldest.*, share.* from oldest cross join lateral (
          ${initiatorShareSql(sql`${domain.organizationId}::uuid`, sql.ref("oldest.initiator_id"))}) share) of_list
      order by ${fairOrderSql("of_list")}
      limit ${looked}
    ), candidate as materialized (
      select * from (
        select next_list.priority, next_list.running, next_list.last_start, next_list.first_queued_at, job.*
        from next_list cross join lateral (
          select id, queued_at, row_number() over (order by queued_at, id) as place from provisioner_jobs
          where ${fits} and priority = next_list.priority and initiator_id = next_list.initiator_id
          order by queued_at, id limit ${looked}) job) of_lists
      order by ${fairOrderSql("of_lists")}
      limit ${looked}
    ), picked as materialized (
      select provisioner_jobs.id from candidate join provisioner_jobs using (id)
      where ${isPendingSql("provisioner_jobs")}
      order by ${fairOrderSql("candidate")}
      limit ${wanted}
      for update of provisioner_jobs skip locked
    ), rest as materialized (
      select id from provisioner_jobs
      where ${fits} and id <> all(array(select id from picked))
      order by priority, queued_at, id
      limit (select case when (select count(*) from candidate) > count(*) then ${wanted} - count(*) else 0 end from picked)
      for update skip locked
    ), ranked as materialized (
      select id, row_number() over () as rank from (select id from picked union all select id from rest) taken
      limit ${wanted}
    )
    update provisioner_jobs job set
      started_at = now(), updated_at = now(),
      daemon_id = (${takers.map(({ daemonId }) => daemonId)}::uuid[])[ranked.rank],
      daemon_name = (${takers.map(({ daemonName }) => daemonName)}::text[])[ranked.rank],
      epoch = job.epoch + 1,
      lease_until = now() + greatest(${leaseMs}, ${WAY_MS}) * interval '1 millisecond',
      lease_confirmed = false
    from ranked where job.id = ranked.id
    returning job.*`.execute(db);
  return rows;
}

/** Puts an acquisition that nobody will confirm back into the queue; one that was canceled meanwhile ends. */
export async function releaseUnconfirmed(db: Db, jobId: string, epoch: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("provisioner_jobs")
    .set({
      started_at: null,
      daemon_id: null,
      daemon_name: null,
      lease_until: null,
      updated_at: sql<Date>`now()`,
    })
    .where("id", "=", jobId)
    .where("epoch", "=", epoch)
    .where("lease_confirmed", "=", false)
    .where("completed_at", "is", null)
    .where("canceled_at", "is", null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
