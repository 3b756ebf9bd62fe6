import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import type { Pass } from "../passes.ts";
import { countBuild } from "./count-build.ts";
import { explainPending } from "./explain-pending.ts";
import { finishJob } from "./finish-job.ts";
import { type LogLine, storeLines } from "./push-logs.ts";

const BATCH = 10;
/** At the latest; a lease that ends before is looked at when it does. */
const TICK_MS = 5_000;

export type Reaped = { failed: string[]; requeued: string[] };

export type ReaperOptions = {
  leaseMs: number;
  /** For how long a job may wait for a daemon. 0: for ever. */
  pendingTimeoutMs: number;
};

type ReaperDeps = Pick<Deps, "db" | "clock" | "events" | "log">;

/**
 * Ends what nobody will end any more (provisioning.md §1.10, architecture.md "The life of a build"): a job whose
 * confirmed lease has lapsed fails, with its state kept as reached; one whose acquisition was never confirmed goes
 * back into the queue; one that waited too long fails. Any number of replicas may run it.
 */
export async function reapJobs(deps: ReaperDeps, options: ReaperOptions, now: Date): Promise<Reaped> {
  const reaped: Reaped = { failed: [], requeued: [] };
  for (;;) {
    const before = reaped.failed.length + reaped.requeued.length;
    const due = await dueJobs(deps.db, options, now);
    for (const jobId of due) await reapJob(deps, options, now, jobId, reaped);
    // A host that died takes many with it. What others have locked is theirs.
    if (due.length < BATCH || reaped.failed.length + reaped.requeued.length === before) return reaped;
  }
}

async function reapJob(
  deps: ReaperDeps,
  options: ReaperOptions,
  now: Date,
  jobId: string,
  reaped: Reaped,
): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    const job = await lockDue(tx, jobId, options, now);
    if (job === undefined) return;
    if (job.started_at !== null && !job.lease_confirmed && job.canceled_at === null) {
      await requeue(tx, deps, job);
      reaped.requeued.push(job.id);
    } else {
      await giveUp(tx, deps, job, options, now);
      reaped.failed.push(job.id);
    }
  });
}

function isDue({ pendingTimeoutMs }: ReaperOptions, now: Date) {
  const waitedSince = new Date(now.getTime() - pendingTimeoutMs);
  const isStuck =
    pendingTimeoutMs > 0
      ? sql<boolean>`started_at is null and updated_at < ${waitedSince}`
      : sql<boolean>`false`;
  return sql<boolean>`completed_at is null and ((started_at is not null and lease_until < ${now}) or (${isStuck}))`;
}

async function dueJobs(db: Db, options: ReaperOptions, now: Date): Promise<string[]> {
  const rows = await db
    .selectFrom("provisioner_jobs")
    .select("id")
    .where(isDue(options, now))
    .orderBy("updated_at")
    .limit(BATCH)
    .execute();
  return rows.map(({ id }) => id);
}

// Decided again under the lock: the daemon may have renewed, another replica may have been here.
function lockDue(tx: Tx, jobId: string, options: ReaperOptions, now: Date) {
  return tx
    .selectFrom("provisioner_jobs")
    .selectAll()
    .where("id", "=", jobId)
    .where(isDue(options, now))
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

async function requeue(tx: Tx, deps: ReaperDeps, job: ProvisionerJobRow): Promise<void> {
  await tx
    .updateTable("provisioner_jobs")
    .set({
      started_at: null,
      daemon_id: null,
      daemon_name: null,
      lease_until: null,
      updated_at: sql<Date>`now()`,
    })
    .where("id", "=", job.id)
    .execute();
  await deps.events.publish(tx, "job_posted", job.organization_id);
  deps.log.info({ jobId: job.id }, "a job whose acquisition was lost waits again");
}

async function giveUp(
  tx: Tx,
  deps: ReaperDeps,
  job: ProvisionerJobRow,
  options: ReaperOptions,
  now: Date,
): Promise<void> {
  const error =
    job.started_at === null
      ? `No provisioner daemon took the job within ${describeMs(options.pendingTimeoutMs)}. ${await whyPending(tx, job)}`
      : `${whyLost(job)}, so the job was ended. What Terraform had reached is kept${describeCreating(job)}: try again.`;
  const last = await tx
    .selectFrom("provisioner_job_logs")
    .select("stage")
    .where("job_id", "=", job.id)
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  const line: LogLine = {
    created_at: now,
    source: "provisioner_daemon",
    level: "error",
    stage: last?.stage ?? "Unknown",
    output: error,
  };
  await storeLines(tx, job, [line]);
  // Whoever held the lease may not even try any more.
  await tx
    .updateTable("provisioner_jobs")
    .set({ epoch: job.epoch + 1 })
    .where("id", "=", job.id)
    .execute();
  await finishJob(tx, deps, job, job.canceled_at === null ? { error } : {});
  deps.log.warn(
    { jobId: job.id, daemon: job.daemon_name, started: job.started_at !== null },
    "gave a job up",
  );
}

/** Nobody can tell whether it came into being: the state was to say so later. */
function describeCreating({ creating }: ProvisionerJobRow): string {
  if (creating.length === 0) return "";
  return `, but for what was just being created and may exist without being in the state (${creating.join(", ")})`;
}

function whyLost({ cut_reason }: ProvisionerJobRow): string {
  return cut_reason === null
    ? "The provisioner daemon stopped answering"
    : `The provisioner daemon was cut off (${cut_reason.replace(/\.$/, "")})`;
}

/** As it was shown while the job waited. */
async function whyPending(tx: Tx, job: ProvisionerJobRow): Promise<string> {
  const reason = (await explainPending(tx, [job], () => null)).get(job.id)?.reason;
  return reason === undefined || reason.code === "taking" ? "Try again." : reason.message;
}

function describeMs(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes >= 1 ? `${minutes} minutes` : `${Math.round(ms / 1000)} seconds`;
}

/**
 * The reaper as one of the server's passes. It does nothing before this replica has itself had Postgres, and its
 * listener, for one full lease: after an outage every daemon gets the chance to renew. A Postgres that did not answer
 * for a while without dropping a connection, and a server that was itself suspended, count as outages too.
 */
export function createReaperPass(): Pass {
  // On the monotonic clock: the other one may be set in the meantime.
  let wellSinceMs = performance.now();
  let answeredMs = wellSinceMs;
  let nextTickMs = TICK_MS;
  return {
    name: "reap jobs",
    get everyMs() {
      return nextTickMs;
    },
    async runOnce(deps) {
      const options: ReaperOptions = {
        leaseMs: deps.config.provisionerJobLeaseMs,
        pendingTimeoutMs: deps.config.provisionerPendingTimeoutMs,
      };
      // Leases are counted on the database's clock: a replica whose own is off ends nothing too early.
      nextTickMs = TICK_MS;
      const { now, next_end } = await readLeases(deps.db);
      const nowMs = performance.now();
      if (nowMs - answeredMs > TICK_MS + options.leaseMs / 3) wellSinceMs = nowMs;
      answeredMs = nowMs;
      const wellForMs = Math.min(deps.events.listeningForMs() ?? 0, nowMs - wellSinceMs);
      const nextEndMs = next_end === null ? TICK_MS : next_end.getTime() - now.getTime();
      nextTickMs = Math.min(TICK_MS, 1 + Math.max(nextEndMs, options.leaseMs - wellForMs));
      if (wellForMs < options.leaseMs) return;
      const { failed } = await reapJobs(deps, options, now);
      for (const jobId of failed) countBuild(deps, jobId);
    },
  };
}

/** The database's time, and when the next of the leases that are not over ends. */
async function readLeases(db: Db): Promise<{ now: Date; next_end: Date | null }> {
  const { rows } = await sql<{ now: Date; next_end: Date | null }>`
    select now() as now, (
      select min(lease_until) from provisioner_jobs
      where started_at is not null and completed_at is null and lease_until >= now()
    ) as next_end`.execute(db);
  if (rows[0] === undefined) throw new Error("A query without a table answers one row.");
  return rows[0];
}
