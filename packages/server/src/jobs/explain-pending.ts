import type { jobs } from "@slipway/api";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import { liveDaemonSql } from "../provisioners/live-daemon-sql.ts";
import { canRun, type KnownDaemon, pendingReason } from "./pending-reason.ts";
import { queuePositions } from "./queue-positions.ts";
import { recentDurations } from "./recent-durations.ts";

/** What is told of a job that waits. */
export type ExplainedPending = {
  reason: jobs.PendingReason;
  /** Live daemons that could run it. */
  workers: string[];
};

/**
 * Why these pending jobs wait, by id; the number of queries does not depend on theirs.
 *
 * @param templateIdOf the template that a job is for, where there is one: jobs of one template take about as long
 */
export async function explainPending(
  db: Db | Tx,
  pending: readonly ProvisionerJobRow[],
  templateIdOf: (jobId: string) => string | null | undefined,
): Promise<Map<string, ExplainedPending>> {
  if (pending.length === 0) return new Map();
  const organizationIds = [...new Set(pending.map(({ organization_id }) => organization_id))];
  const known = await knownDaemons(db, organizationIds);
  const positions = await queuePositions(
    db,
    pending.map(({ id }) => id),
  );
  const explain = (job: ProvisionerJobRow, durationMs: number | null) => {
    const ofOrganization = known.get(job.organization_id) ?? [];
    const place = positions.get(job.id) ?? { position: 0, size: 0 };
    return {
      reason: pendingReason(job, ofOrganization, { ...place, durationMs }),
      workers: ofOrganization.filter((daemon) => daemon.isLive && canRun(daemon, job)).map(({ id }) => id),
    };
  };
  const explained = new Map(pending.map((job) => [job.id, explain(job, null)]));
  // Only those get an estimate that stand in a queue: most jobs are taken at once, and need none.
  const waiting = pending.filter(({ id }) => explained.get(id)?.reason.code === "busy");
  if (waiting.length === 0) return explained;
  const durations = await recentDurations(db, organizationIds);
  for (const job of waiting) {
    explained.set(job.id, explain(job, durations.ofJob(job, templateIdOf(job.id))));
  }
  return explained;
}

type DaemonRow = Omit<KnownDaemon, "lastSeenAt"> & { organization_id: string; last_seen_at: Date | null };

async function knownDaemons(
  db: Db | Tx,
  organizationIds: readonly string[],
): Promise<Map<string, KnownDaemon[]>> {
  const { rows } = await sql<DaemonRow>`
    select daemon.organization_id, daemon.id, daemon.name, daemon.provisioners, daemon.tags, daemon.last_seen_at,
      ${liveDaemonSql("daemon")} as "isLive",
      coalesce(job.running, 0) as running
    from provisioner_daemons daemon
    left join (
      select daemon_id, count(*) as running from provisioner_jobs
      where organization_id = any(${organizationIds}::uuid[]) and started_at is not null and completed_at is null
      group by daemon_id) job on job.daemon_id = daemon.id
    where daemon.organization_id = any(${organizationIds}::uuid[])
    order by daemon.name, daemon.id`.execute(db);
  return Map.groupBy(
    rows.map(({ last_seen_at, ...daemon }) => ({ ...daemon, lastSeenAt: last_seen_at })),
    ({ organization_id }) => organization_id,
  );
}
