import { Code, ConnectError } from "@connectrpc/connect";
import type { Job } from "@slipway/proto/provisionerd";
import type { StateSnapshot } from "../engine/engine.ts";
import type { Connection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";
import type { Lease } from "./lease.ts";

export type StateShipper = {
  save(snapshot: StateSnapshot, creating?: readonly string[]): void;
  noteCreating(addresses: readonly string[]): void;
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>;
  latest(): StateSnapshot | null;
};

type Progress = { snapshot: StateSnapshot | null; creating: readonly string[] };

/**
 * Sends snapshots of the state while the job runs, and what is being made that they do not hold: one at a time, and of
 * those that wait only the latest. List and snapshot travel together: at every moment the server's two make a whole.
 */
export function createStateShipper(options: {
  connection: Connection;
  job: Job;
  lease: Lease;
  log: DaemonLog;
}): StateShipper {
  const { connection, job, lease, log } = options;
  let latest: StateSnapshot | null = null;
  let waiting: Progress | null = null;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    for (let progress = waiting; progress !== null; progress = waiting) {
      waiting = null;
      const { snapshot, creating } = progress;
      const state =
        snapshot === null
          ? {}
          : { state: snapshot.bytes, lineage: snapshot.lineage, serial: BigInt(snapshot.serial) };
      try {
        await connection.call(lease.over, (client, signal) =>
          client.uploadState(
            { jobId: job.jobId, epoch: job.epoch, ...state, creating: [...creating] },
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

  const send = (progress: Progress) => {
    waiting = progress;
    sending ??= sendAll().finally(() => {
      sending = null;
    });
  };

  return {
    save(snapshot, creating = []) {
      latest = snapshot;
      send({ snapshot, creating });
    },
    noteCreating: (creating) => send({ snapshot: waiting?.snapshot ?? null, creating }),
    async settled() {
      while (sending !== null) await sending;
    },
    latest: () => latest,
  };
}
