import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import { tagsMatchSql } from "./tags-sql.ts";

/** What daemons must have in common to be served by one query. */
export type AcquireDomain = {
  organizationId: string;
  provisioners: readonly string[];
  tags: Readonly<Record<string, string>>;
};

export type Taker = { daemonId: string; daemonName: string };

/**
 * Leases the next jobs to these daemons, at most one each. Choosing and marking are one statement: two
 * daemons that ask at once never both see a job as free. The lease is counted on the database's clock.
 */
export async function acquireJobs(
  db: Db,
  domain: AcquireDomain,
  takers: readonly Taker[],
  leaseMs: number,
): Promise<ProvisionerJobRow[]> {
  const tags = sql`${JSON.stringify(domain.tags)}::jsonb`;
  const { rows } = await sql<ProvisionerJobRow>`
    with picked as materialized (
      select id, priority, created_at from provisioner_jobs
      where organization_id = ${domain.organizationId}
        and started_at is null and canceled_at is null and completed_at is null
        and provisioner = any(${domain.provisioners}::text[])
        and ${tagsMatchSql(tags, sql.ref("tags"))}
      order by priority, created_at, id
      for update skip locked
      limit ${takers.length}
    ), ranked as (
      select id, row_number() over (order by priority, created_at, id) as rank from picked
    )
    update provisioner_jobs job set
      started_at = now(), updated_at = now(),
      daemon_id = (${takers.map(({ daemonId }) => daemonId)}::uuid[])[ranked.rank],
      daemon_name = (${takers.map(({ daemonName }) => daemonName)}::text[])[ranked.rank],
      epoch = job.epoch + 1,
      lease_until = now() + ${leaseMs} * interval '1 millisecond',
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
