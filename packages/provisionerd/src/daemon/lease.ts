import { Code, ConnectError } from "@connectrpc/connect";
import type { Job } from "@slipway/proto/provisionerd";
import { pause } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";

export type LeaseOptions = {
  connection: Connection;
  job: Job;
  log: DaemonLog;
  /** From the interruption of a canceled job to its forced end (provisioning.md §1.8: 10 minutes). */
  forceCancelMs: number;
};

export type LeaseEnd = "canceled" | "cancel-timeout" | "lost" | "expired" | "stopped";

export type Lease = {
  /** Aborted: end the job in order. */
  interrupt: AbortSignal;
  /** Aborted: end it now; the lease is over or about to be. */
  force: AbortSignal;
  /** Aborted when no write about the job can succeed any more. */
  over: AbortSignal;
  /**
   * True as soon as the server has answered the first renewal, false when that came to nothing: the job may have
   * reached us late, after a freeze, and be another daemon's by now. Before, nothing of it may begin.
   */
  confirmed: Promise<boolean>;
  remainingMs(): number;
  /** Why the job was interrupted, if it was. */
  reason(): LeaseEnd | null;
  /** The daemon stops: interrupt the job; with `now`, force it. */
  stop(now: boolean): void;
  /** Another call about the job was refused: the lease is someone else's. */
  lose(): void;
  /** The job has ended: renew no more. */
  release(): void;
};

/** How long before its end an unanswered lease interrupts the job (architecture.md, "Losing contact"). */
const INTERRUPT_BEFORE_END_MS = 5_000;

/**
 * Holds a job's lease. It is counted on this process's monotonic clock from the moment a renewal was *sent*,
 * so that the daemon's idea of its end never lies behind the server's.
 */
export function holdLease(options: LeaseOptions): Lease {
  const { connection, job, log } = options;
  const interrupt = new AbortController();
  const force = new AbortController();
  const over = new AbortController();
  const released = new AbortController();
  const confirmed = Promise.withResolvers<boolean>();
  over.signal.addEventListener("abort", () => confirmed.resolve(false), { once: true });
  let leaseMs = job.leaseMs;
  let endsAt = performance.now() + leaseMs;
  let why: LeaseEnd | null = null;
  let cancelTimer: NodeJS.Timeout | undefined;
  let guard: NodeJS.Timeout | undefined;
  let isUnanswered = false;

  const end = (reason: LeaseEnd, now: boolean) => {
    why ??= reason;
    if (reason === "cancel-timeout" || reason === "lost" || reason === "expired") why = reason;
    interrupt.abort();
    if (now) force.abort();
  };
  const lose = () => {
    if (released.signal.aborted) return;
    end("lost", true);
    over.abort();
    release();
  };
  const release = () => {
    released.abort();
    clearTimeout(cancelTimer);
    clearTimeout(guard);
  };

  // Looks at the clock, not at its own delay: a frozen process wakes up late.
  const watchEnd = () => {
    clearTimeout(guard);
    if (released.signal.aborted) return;
    const leftMs = endsAt - performance.now();
    const marginMs = Math.min(INTERRUPT_BEFORE_END_MS, leaseMs / 3);
    if (leftMs <= 0) {
      log.warn(
        { jobId: job.jobId },
        "the lease has ended without an answer from the server; killing the job",
      );
      end("expired", true);
      over.abort();
      return;
    }
    if (leftMs <= marginMs) {
      if (!isUnanswered)
        log.warn({ jobId: job.jobId, leftMs }, "the lease is about to end; interrupting the job");
      isUnanswered = true;
      end("expired", false);
    }
    guard = setTimeout(watchEnd, leftMs <= marginMs ? leftMs : leftMs - marginMs);
  };

  async function renew(waitMs: number): Promise<void> {
    const client = await connection.client(AbortSignal.any([released.signal, over.signal]));
    const sentAt = performance.now();
    const unanswered = AbortSignal.timeout(leaseMs);
    // A server that is waiting for its database still answers a ping; a way that leads nowhere does not.
    const check = setTimeout(() => connection.leaveIfSilent(client, leaseMs / 6), leaseMs / 3);
    const answer = await client
      .renewLease(
        { jobId: job.jobId, epoch: job.epoch, waitMs: Math.round(waitMs) },
        { signal: AbortSignal.any([released.signal, over.signal, unanswered]) },
      )
      .catch((error: unknown) => {
        if (ConnectError.from(error).metadata.has("try-another-replica")) connection.leave(client);
        throw error;
      })
      .finally(() => clearTimeout(check));
    // An answer that took longer than the lease it grants renews nothing.
    leaseMs = answer.leaseMs;
    endsAt = Math.max(endsAt, sentAt + answer.leaseMs);
    watchEnd();
    if (!over.signal.aborted) confirmed.resolve(true);
    if (answer.canceled && !interrupt.signal.aborted) {
      end("canceled", false);
      cancelTimer = setTimeout(() => end("cancel-timeout", true), options.forceCancelMs);
    }
  }

  async function keep(): Promise<void> {
    // The first one confirms the acquisition. The others are answered late, or when the job is canceled: so
    // that is known at once, and half of the time in which a renewal is due is left for lost ones.
    let waitMs = 0;
    while (!released.signal.aborted && !over.signal.aborted) {
      try {
        const sentAt = performance.now();
        await renew(waitMs);
        const isInterrupted = interrupt.signal.aborted;
        if (waitMs > 0) {
          const everyMs = isInterrupted ? leaseMs / 3 : leaseMs / 6;
          await pause(Math.max(0, everyMs - (performance.now() - sentAt)), released.signal);
        }
        waitMs = isInterrupted ? 1 : leaseMs / 6;
      } catch (error) {
        if (released.signal.aborted || over.signal.aborted) return;
        const code = ConnectError.from(error).code;
        if (code === Code.Aborted || code === Code.NotFound || code === Code.FailedPrecondition) {
          log.warn({ jobId: job.jobId, err: error }, "the job is not ours any more");
          return lose();
        }
        await pause(Math.min(500, leaseMs / 10), released.signal);
      }
    }
  }

  watchEnd();
  const kept = keep();
  kept.catch((err: unknown) => log.warn({ err }, "renewing the lease failed"));

  return {
    interrupt: interrupt.signal,
    force: force.signal,
    over: over.signal,
    confirmed: confirmed.promise,
    remainingMs: () => Math.max(0, endsAt - performance.now()),
    reason: () => why,
    stop: (now) => end("stopped", now),
    lose,
    release,
  };
}
