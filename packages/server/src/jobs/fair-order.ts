import { type RawBuilder, type SqlBool, sql } from "kysely";

/*
 * Whose job is next. Within a priority (people's builds, imports and dry runs, then autostart, then prebuilds) daemons
 * serve the initiators in turn, each with his oldest job first. It is the turn of the one with the fewest jobs that
 * run; among equals, of the one who has waited longest, since his last job began or his oldest one was queued. So:
 *
 * - Two hundred jobs of one user delay the first job of another by none of theirs that has not begun yet.
 * - Nobody starves: while a user waits his place among equals only improves, and whoever comes later, or is served
 *   meanwhile, stands behind him.
 * - The jobs of one user stay in their order, and a user who is alone has a plain queue.
 *
 * All times are the database's. Nothing is stored about turns, so that nothing about them can be wrong after a crash.
 */

/** Counting stops there: nobody's turn depends on whether he has a hundred jobs running, or more. */
const MAX_RUNNING = 100;

/** A job that waits for a daemon; the words of the index `provisioner_jobs_pending`. */
export function isPendingSql(table: string): RawBuilder<SqlBool> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  return sql<SqlBool>`(${column("started_at")} is null and ${column("canceled_at")} is null
    and ${column("completed_at")} is null)`;
}

/** How many jobs of an initiator run, and when the last one began: two short looks into indexes. */
export function initiatorShareSql(organizationId: RawBuilder<unknown>, initiatorId: RawBuilder<unknown>) {
  const own = sql`organization_id = ${organizationId} and initiator_id = ${initiatorId} and started_at is not null`;
  return sql`
    select count(*) as running,
      greatest(max(started_at), (select max(started_at) from provisioner_jobs
        where ${own} and completed_at is not null)) as last_start
    from (select started_at from provisioner_jobs where ${own} and completed_at is null
      order by started_at desc limit ${MAX_RUNNING}) running_job`;
}

/**
 * The order of candidates that have `priority`, `running` and `last_start` of their initiator, their `place` among the
 * jobs of that initiator (from 1), and when the first of those was queued.
 *
 * Each job that is ahead of one in its initiator's list will run when its turn comes: hence the sum. At equal sums
 * those go first who have not been served since: an initiator's second job follows the first ones of others.
 */
export function fairOrderSql(table: string): RawBuilder<unknown> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  return sql`${column("priority")}, ${column("running")} + ${column("place")}, ${column("place")},
    greatest(${column("last_start")}, ${column("first_queued_at")}), ${column("queued_at")}, ${column("id")}`;
}
