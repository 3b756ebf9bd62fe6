import type { Timing } from "@slipway/proto/provisioner";
import type { Tx } from "../db/db.ts";

const MAX_TIMINGS = 5_000;

/** Stores how long each step of a job took. */
export async function storeTimings(tx: Tx, jobId: string, timings: readonly Timing[]): Promise<void> {
  const rows = timings
    .slice(0, MAX_TIMINGS)
    .filter(({ startedAtMs, endedAtMs }) => startedAtMs > 0n && endedAtMs >= startedAtMs)
    .map((timing) => ({
      job_id: jobId,
      started_at: new Date(Number(timing.startedAtMs)),
      ended_at: new Date(Number(timing.endedAtMs)),
      stage: timing.stage,
      source: timing.source,
      action: timing.action,
      resource: timing.resource,
    }));
  if (rows.length > 0) await tx.insertInto("provisioner_job_timings").values(rows).execute();
}
