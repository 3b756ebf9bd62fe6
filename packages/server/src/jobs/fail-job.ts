import type { Timing } from "@slipway/proto/provisioner";
import { parseState, writeBuildState } from "../builds/build-state.ts";
import type { Deps } from "../deps.ts";
import { finishJob } from "./finish-job.ts";
import { type LeaseRef, lockLeasedJob } from "./lease.ts";
import { type LastLogs, storeLastLogs } from "./push-logs.ts";
import { storeTimings } from "./store-timings.ts";
import { buildIdOf, requireStorable } from "./upload-state.ts";

export type JobFailure = {
  error: string;
  errorCode: string;
  /** Empty: the state stays as it is (provisioning.md §1.12). */
  state: Uint8Array;
  timings: readonly Timing[];
  lastLogs?: LastLogs;
};

const ERROR_CODES = new Set([
  "MISSING_TEMPLATE_PARAMETER",
  "REQUIRED_TEMPLATE_VARIABLES",
  "INSUFFICIENT_QUOTA",
]);
const MAX_ERROR_LENGTH = 16_384;

/** Ends a job that went wrong. One that was canceled meanwhile ends as canceled: its log says how. */
export async function failJob(
  deps: Pick<Deps, "db" | "clock" | "events" | "keyring">,
  lease: LeaseRef,
  failure: JobFailure,
): Promise<void> {
  requireStorable(failure.state);
  await deps.db.transaction().execute(async (tx) => {
    const job = await lockLeasedJob(tx, lease);
    const buildId = buildIdOf(job);
    const state = failure.state.byteLength > 0 ? parseState(failure.state) : null;
    if (buildId !== null && state !== null) {
      await writeBuildState(tx, deps.keyring, buildId, state, deps.clock.now());
    }
    await storeTimings(tx, job.id, failure.timings);
    if (failure.lastLogs !== undefined) await storeLastLogs(tx, job, failure.lastLogs);
    const error = failure.error.replaceAll("\0", "").slice(0, MAX_ERROR_LENGTH);
    const errorCode = ERROR_CODES.has(failure.errorCode) ? failure.errorCode : "";
    await finishJob(
      tx,
      deps,
      job,
      job.canceled_at === null ? { error: error || "The job failed.", errorCode } : {},
    );
  });
}
