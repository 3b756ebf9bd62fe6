import { Code, ConnectError } from "@connectrpc/connect";
import type { Job } from "@slipway/proto/provisionerd";
import type { StateSnapshot } from "../engine/engine.ts";
import type { Connection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";
import type { Lease } from "./lease.ts";

export type StateShipper = {
  save(snapshot: StateSnapshot): void;
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>;
  latest(): StateSnapshot | null;
};

/** Sends snapshots of the state while the job runs: one at a time, and of those that wait only the latest. */
export function createStateShipper(options: {
  connection: Connection;
  job: Job;
  lease: Lease;
  log: DaemonLog;
}): StateShipper {
  const { connection, job, lease, log } = options;
  let latest: StateSnapshot | null = null;
  let waiting: StateSnapshot | null = null;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    for (let snapshot = waiting; snapshot !== null; snapshot = waiting) {
      waiting = null;
      const { bytes, lineage, serial } = snapshot;
      try {
        await connection.call(lease.over, (client, signal) =>
          client.uploadState(
            { jobId: job.jobId, epoch: job.epoch, state: bytes, lineage, serial: BigInt(serial) },
            { signal },
          ),
        );
      } catch (error) {
        if (lease.over.aborted) return;
        if (ConnectError.from(error).code === Code.Aborted) return lease.lose();
        // The job's end brings the state once more.
        log.warn({ jobId: job.jobId, err: error }, "a snapshot of the state was refused");
      }
    }
  }

  return {
    save(snapshot) {
      latest = snapshot;
      waiting = snapshot;
      sending ??= sendAll().finally(() => {
        sending = null;
      });
    },
    async settled() {
      while (sending !== null) await sending;
    },
    latest: () => latest,
  };
}
