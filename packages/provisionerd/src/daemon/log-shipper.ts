import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LogLevel, type LogSchema, LogSource } from "@slipway/proto/provisioner";
import type { Job } from "@slipway/proto/provisionerd";
import type { EngineLog } from "../engine/engine.ts";
import type { Connection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";
import type { Lease } from "./lease.ts";

/** The server keeps this much of a job's output (provisioning.md §1.11). */
const CAP_BYTES = 1024 * 1024;
const BATCH_LINES = 100;
const BATCH_BYTES = 512 * 1024;
const FLUSH_MS = 250;
const MAX_PENDING_LINES = 2_000;
const MAX_PENDING_BYTES = 2 * 1024 * 1024;

const LEVELS: Record<EngineLog["level"], LogLevel> = {
  trace: LogLevel.TRACE,
  debug: LogLevel.DEBUG,
  info: LogLevel.INFO,
  warn: LogLevel.WARN,
  error: LogLevel.ERROR,
};

type Line = {
  source: LogSource;
  level: LogLevel;
  createdAtMs: bigint;
  stage: string;
  output: string;
  bytes: number;
};

export type LogShipper = {
  /** Resolves when there is room for more. */
  push(line: EngineLog): void | Promise<void>;
  /**
   * Sends what is left but for one last batch, which travels with the job's end; gives up when the lease is over. It
   * may be called again when that end was refused and more was logged.
   */
  finish(): Promise<LastLines>;
};

export type LastLines = { firstLogSeq: bigint; logs: MessageInitShape<typeof LogSchema>[] };

/**
 * Sends a job's log in order, in batches of 100 lines or 250 ms. A line stays here until the server has it,
 * so that neither a lost connection nor a lost answer makes a gap or a double. Memory is bounded: beyond the
 * server's cap nothing is kept, before it the producer waits.
 */
export function createLogShipper(options: {
  connection: Connection;
  job: Job;
  lease: Lease;
  log: DaemonLog;
  now(): Date;
}): LogShipper {
  const { connection, job, lease } = options;
  const pending: Line[] = [];
  let pendingBytes = 0;
  let acceptedBytes = 0;
  let isFull = false;
  let nextSeq = job.nextLogSeq;
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let roomWaiters: (() => void)[] = [];

  const drop = (count: number) => {
    for (const line of pending.splice(0, count)) pendingBytes -= line.bytes;
    if (hasRoom()) {
      const waiters = roomWaiters;
      roomWaiters = [];
      for (const wake of waiters) wake();
    }
  };
  const hasRoom = () => pending.length < MAX_PENDING_LINES && pendingBytes < MAX_PENDING_BYTES;
  const stopTaking = () => {
    isFull = true;
    drop(pending.length);
  };

  function nextBatch(): Line[] {
    const batch: Line[] = [];
    let bytes = 0;
    for (const line of pending) {
      if (batch.length === BATCH_LINES || (batch.length > 0 && bytes + line.bytes > BATCH_BYTES)) break;
      batch.push(line);
      bytes += line.bytes;
    }
    return batch;
  }

  async function sendBatch(): Promise<void> {
    const batch = nextBatch();
    try {
      const answer = await connection.call(lease.over, (client, signal) =>
        client.pushLogs({ jobId: job.jobId, epoch: job.epoch, firstSeq: nextSeq, logs: batch }, { signal }),
      );
      nextSeq += BigInt(batch.length);
      drop(batch.length);
      if (answer.overflowed) stopTaking();
    } catch (error) {
      const refusal = ConnectError.from(error);
      const expected = refusal.code === Code.OutOfRange ? refusal.metadata.get("next-log-seq") : null;
      if (expected === null || lease.over.aborted) throw error;
      // An answer was lost: the server has some of these lines already.
      const known = Number(BigInt(expected) - nextSeq);
      if (known <= 0 || known > pending.length) throw error;
      nextSeq = BigInt(expected);
      drop(known);
    }
  }

  async function sendAll(everything: boolean): Promise<void> {
    while (pending.length > 0 && (everything || pending.length >= BATCH_LINES || timer === undefined)) {
      await sendBatch();
    }
  }

  const flush = (everything: boolean): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendAll(everything)
      .catch((error: unknown) => {
        stopTaking();
        const { code } = ConnectError.from(error);
        if (code === Code.Aborted) lease.lose();
        else if (!lease.over.aborted)
          options.log.warn({ jobId: job.jobId, err: error }, "the job's log was refused");
      })
      .finally(() => {
        sending = null;
        if (pending.length > 0) schedule();
      });
    return sending;
  };
  const schedule = () => {
    if (pending.length >= BATCH_LINES) void flush(false);
    else timer ??= setTimeout(() => void flush(false), FLUSH_MS);
  };

  return {
    push(entry) {
      if (isFull || lease.over.aborted) return;
      const output = entry.output.replaceAll("\0", "");
      const outputBytes = Buffer.byteLength(output);
      pending.push({
        source: entry.source === "provisioner_daemon" ? LogSource.PROVISIONER_DAEMON : LogSource.PROVISIONER,
        level: LEVELS[entry.level],
        createdAtMs: BigInt(options.now().getTime()),
        stage: entry.stage,
        output,
        bytes: outputBytes + 128,
      });
      pendingBytes += outputBytes + 128;
      acceptedBytes += outputBytes;
      // The line that crosses the cap still goes: the server marks the place with it.
      if (acceptedBytes > CAP_BYTES) isFull = true;
      schedule();
      if (hasRoom()) return;
      return new Promise((resolve) => roomWaiters.push(resolve));
    },
    async finish() {
      for (;;) {
        await sending;
        clearTimeout(timer);
        timer = undefined;
        const batch = nextBatch();
        if (batch.length === pending.length || lease.over.aborted)
          return { firstLogSeq: nextSeq, logs: batch };
        await flush(true);
      }
    },
  };
}
