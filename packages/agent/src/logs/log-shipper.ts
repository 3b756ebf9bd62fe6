import { randomUUID } from "node:crypto";
import { LogLevel } from "@slipway/proto/provisioner";
import type { Clock } from "../clock.ts";
import { pause } from "../connection/backoff.ts";
import type { ServerLink } from "../connection/server-link.ts";
import { errorText, type Log } from "../log/log.ts";

const BATCH_LINES = 100;
const BATCH_DELAY_MS = 250;
const DEFAULT_LIMIT_BYTES = 1024 * 1024;
/** Empty lines cost memory too while they wait. */
const MIN_LINE_COST_BYTES = 8;

type Batch = { sourceId: string; lines: string[]; levels: LogLevel[]; times: number[] };

export type LogShipper = {
  write(sourceId: string, level: "info" | "warn" | "error", line: string): void;
  /** What the server still takes, as the manifest says. */
  setBytesLeft(bytes: number): void;
  /** Resolves when all has been sent or given up, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>;
};

/**
 * Sends log lines to the server in order, in batches of one source. What waits is bounded by the limit per agent
 * (1 MiB): the line that crosses it is still sent, so that the server knows of the overflow; the rest is dropped.
 */
export function createLogShipper(deps: {
  link: ServerLink;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): LogShipper {
  const { link, clock, log, signal } = deps;
  const levels = { info: LogLevel.INFO, warn: LogLevel.WARN, error: LogLevel.ERROR };
  let bytesLeft = DEFAULT_LIMIT_BYTES;
  let stopped = false;
  let queue: Batch[] = [];
  let running: Promise<void> | undefined;
  let flushing = 0;
  const hurry = new Set<() => void>();

  const stop = () => {
    if (!stopped)
      log.warn({}, "the log limit of this agent is reached; further script output stays in the workspace");
    stopped = true;
  };
  const collect = async () => {
    if (flushing > 0 || (queue[0]?.lines.length ?? 0) >= BATCH_LINES || queue.length > 1) return;
    const early = new AbortController();
    const go = () => early.abort();
    hurry.add(go);
    await pause(BATCH_DELAY_MS, AbortSignal.any([early.signal, signal]));
    hurry.delete(go);
  };
  const run = async () => {
    while (queue.length > 0 && !signal.aborted) {
      await collect();
      const batch = queue.shift();
      if (batch === undefined) break;
      const request = {
        logSourceId: batch.sourceId,
        batchId: randomUUID(),
        logs: batch.lines.map((output, index) => ({
          output,
          level: batch.levels[index] ?? LogLevel.INFO,
          createdAtMs: BigInt(batch.times[index] ?? 0),
        })),
      };
      try {
        const answer = await link.call((client, options) => client.batchCreateLogs(request, options), signal);
        if (answer.limitExceeded) {
          queue = [];
          stop();
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ error: errorText(error) }, "the server refused log lines");
      }
    }
    running = undefined;
  };
  return {
    write(sourceId, level, line) {
      if (stopped || signal.aborted || sourceId === "") return;
      let batch = queue.at(-1);
      if (batch === undefined || batch.sourceId !== sourceId || batch.lines.length >= BATCH_LINES) {
        batch = { sourceId, lines: [], levels: [], times: [] };
        queue.push(batch);
      }
      batch.lines.push(line);
      batch.levels.push(levels[level]);
      batch.times.push(clock.now().getTime());
      bytesLeft -= Math.max(MIN_LINE_COST_BYTES, Buffer.byteLength(line));
      if (bytesLeft < 0) stop();
      if (batch.lines.length >= BATCH_LINES) for (const go of [...hurry]) go();
      running ??= run();
    },
    setBytesLeft(bytes) {
      bytesLeft = Math.min(bytes, DEFAULT_LIMIT_BYTES);
    },
    async flush(until) {
      flushing++;
      for (const go of [...hurry]) go();
      const aborted = new Promise<void>((resolve) => {
        if (until.aborted) resolve();
        until.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([running ?? Promise.resolve(), aborted]);
      flushing--;
    },
  };
}
