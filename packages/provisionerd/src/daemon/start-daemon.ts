import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import type { Carrier } from "@slipway/mux";
import type { Job } from "@slipway/proto/provisionerd";
import type { Engine } from "../engine/engine.ts";
import { createBackoff, pause } from "./backoff.ts";
import { keepConnection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";
import type { Lease } from "./lease.ts";
import { createPendingStates } from "./pending-states.ts";
import { type JobOutcome, runJob } from "./run-job.ts";

export type DaemonOptions = {
  /**
   * Opens a connection to the server. An error with `refused: true` ends the daemon: the credentials are
   * not accepted. Every other error is tried again.
   */
  connect(signal: AbortSignal): Promise<Carrier>;
  name: string;
  version: string;
  tags: Record<string, string>;
  engines: readonly Engine[];
  /** Holds state that waits to be handed in, across restarts. */
  cacheDir: string;
  log: DaemonLog;
  clock?: { now(): Date };
  /** Jobs at a time. */
  concurrency?: number;
  /** Told of each job when it begins and, through the returned function, when it has ended. */
  onJob?: ((job: Job) => (outcome: JobOutcome) => void) | undefined;
  /** Aborted: as `stop("interrupt")`. */
  signal: AbortSignal;
};

export type StopMode =
  /** Finish the running jobs, take no other. */
  | "drain"
  /** Interrupt the running jobs; they end in order, with their state saved. */
  | "interrupt"
  /** Kill what runs. */
  | "force";

export type Daemon = {
  /** May be called again with a harder mode. Resolves when the daemon has ended. */
  stop(mode: StopMode): Promise<void>;
  /** Rejects when the server refuses the daemon for good. */
  ended: Promise<void>;
  readonly activeJobs: number;
  readonly isConnected: boolean;
};

const ACQUIRE_WAIT_MS = 30_000;
/** A workspace may be built again as soon as its lost build has been ended: its state should be there before. */
const HAND_IN_EVERY_MS = 2_000;
const FIRST_HAND_IN_MS = 10_000;
const LOOK_AGAIN_MS = 500;

/**
 * Takes jobs from a server and runs them, until it is stopped.
 *
 * ```ts
 * const daemon = startDaemon({ connect: async () => server.connectBuiltinDaemon(), engines: [terraform], … });
 * await daemon.stop("drain");
 * ```
 */
export function startDaemon(options: DaemonOptions): Daemon {
  const { log, engines } = options;
  const now = () => options.clock?.now() ?? new Date();
  const leaving = new AbortController();
  const closing = new AbortController();
  // Each of many calls in flight listens to these.
  setMaxListeners(0, leaving.signal, closing.signal);
  const leases = new Map<Lease, true>();
  const pendingStates = createPendingStates(join(options.cacheDir, "pending"), log);
  let hasKept = false;
  /** Whether all is known that killed daemons left here. */
  let isSure = true;
  let hardest: StopMode = "drain";

  const connection = keepConnection({
    connect: options.connect,
    register: {
      name: options.name,
      version: options.version,
      provisioners: engines.map(({ name }) => name),
      tags: options.tags,
      instanceId: randomUUID(),
    },
    log,
    signal: closing.signal,
    onRegistered: () => void handIn(),
  });
  // What this host kept comes before its next job: that may be the next build of the same workspace.
  const handInFirst = () =>
    connection
      .client(leaving.signal)
      .then(() => Promise.race([handIn(), pause(FIRST_HAND_IN_MS, leaving.signal)]))
      .catch(() => {}); // Leaving already.
  const firstHandIn = (async () => {
    const endsAt = performance.now() + FIRST_HAND_IN_MS;
    await handInFirst();
    // Those of which it is not known yet whether they are dead may have the state of the next job's workspace.
    while (!isSure && performance.now() < endsAt && !leaving.signal.aborted) {
      await pause(LOOK_AGAIN_MS, leaving.signal);
      await handInFirst();
    }
  })();

  // Asked again from time to time: what a killed daemon had started may take a while to end.
  const handInTimer = setInterval(() => void handIn(), HAND_IN_EVERY_MS);
  handInTimer.unref();
  let handingIn: Promise<void> | null = null;
  const handIn = (): Promise<void> =>
    (handingIn ??= offerStates().finally(() => {
      handingIn = null;
    }));
  async function offerStates(): Promise<void> {
    try {
      const client = await connection.client(AbortSignal.any([closing.signal, AbortSignal.timeout(1_000)]));
      const leftovers = await Promise.all(engines.map((engine) => engine.leftovers(pendingStates.isDue)));
      isSure = leftovers.every((each) => each.isSure);
      await pendingStates.handIn(
        client,
        leftovers.flatMap(({ found }) => found),
      );
    } catch (err) {
      log.debug({ err }, "handing in earlier state has to wait");
    }
  }

  async function work(): Promise<void> {
    const backoff = createBackoff(10, 1_000);
    await firstHandIn;
    while (!leaving.signal.aborted) {
      let job: Job | undefined;
      let forceCancelMs = 0;
      try {
        // Known before there is a job: it must not wait for another connection, nor the daemon's end for it.
        ({ forceCancelMs } = await connection.registered(leaving.signal));
        const client = await connection.client(leaving.signal);
        ({ job } = await client.acquireJob(
          { waitMs: ACQUIRE_WAIT_MS },
          { signal: leaving.signal, timeoutMs: ACQUIRE_WAIT_MS * 2 },
        ));
        backoff.reset();
      } catch (error) {
        if (leaving.signal.aborted) return;
        log.debug({ err: error }, "asking for a job failed");
        await pause(backoff.next(), leaving.signal);
      }
      if (job === undefined) continue;
      await perform(job, forceCancelMs);
      if (!hasKept) continue;
      hasKept = false;
      await handInFirst();
    }
  }

  async function perform(job: Job, forceCancelMs: number): Promise<void> {
    let held: Lease | undefined;
    const onEnd = options.onJob?.(job);
    let outcome: JobOutcome = "failed";
    try {
      outcome = await runJob({
        connection,
        job,
        engines,
        async keepState(...kept) {
          hasKept = true;
          return pendingStates.keep(...kept);
        },
        log,
        now,
        forceCancelMs,
        onLease(lease) {
          held = lease;
          leases.set(lease, true);
          if (leaving.signal.aborted && hardest !== "drain") lease.stop(hardest === "force");
        },
      });
    } catch (error) {
      log.warn({ jobId: job.jobId, err: error }, "running a job failed");
    } finally {
      if (held !== undefined) leases.delete(held);
      onEnd?.(outcome);
    }
  }

  const workers = Array.from({ length: options.concurrency ?? 1 }, () => work());
  const ended = (async () => {
    try {
      // Otherwise the connection lives until the last job has ended.
      await Promise.race([connection.ended, Promise.all(workers)]);
    } catch (error) {
      // Refused: what runs is interrupted at once, with its state kept here for a daemon that is let in.
      hardest = "interrupt";
      for (const lease of leases.keys()) lease.stop(false);
      throw error;
    } finally {
      leaving.abort();
      await Promise.allSettled(workers);
      clearInterval(handInTimer);
      closing.abort();
    }
    await connection.ended;
  })();
  ended.catch(() => {}); // Whoever awaits `ended` or `stop` hears of it.

  async function stop(mode: StopMode): Promise<void> {
    if (mode === "force" || (mode === "interrupt" && hardest === "drain")) hardest = mode;
    leaving.abort();
    if (mode !== "drain") for (const lease of leases.keys()) lease.stop(mode === "force");
    await ended;
  }
  const onSignal = () => void stop("interrupt").catch(() => {});
  if (options.signal.aborted) onSignal();
  else options.signal.addEventListener("abort", onSignal, { once: true });

  return {
    stop,
    ended,
    get activeJobs() {
      return leases.size;
    },
    get isConnected() {
      return connection.isUp();
    },
  };
}
