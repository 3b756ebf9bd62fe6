import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { MuxError } from "../errors.ts";
import { recordType, textRecord } from "./records.ts";
import { defaultWindowBytes, endCarrier, ResumableStream } from "./resumable-stream.ts";

/** What the opening end tells the other, before the first byte on a new carrier. */
export type ResumableHello = {
  /** 16 random bytes, the same for all carriers of a stream. */
  key: Uint8Array;
  resume: boolean;
  /** Offset up to which this end has received. */
  received: bigint;
};

export type OpenResumableOptions = {
  /**
   * Makes a carrier: called at once, and again after each loss. A rejection with `fatal === true` (access
   * withdrawn, workspace gone) ends the stream with that error; so does any rejection of the first call.
   */
  dial: (hello: ResumableHello, signal: AbortSignal) => Promise<Duplex>;
  /** Most unacknowledged bytes. */
  windowBytes?: number;
  /** How long a lost carrier is looked for. Default 10 minutes. */
  giveUpMs?: number;
  /** Milliseconds to wait before the nth attempt (0, 1, …) after a loss. */
  backoffMs?: (attempt: number) => number;
  /** How long one dial and its answer may take. */
  attemptMs?: number;
  signal?: AbortSignal;
  onState?: (state: "connected" | "reconnecting", cause?: Error) => void;
};

const defaultGiveUpMs = 10 * 60_000;
const defaultAttemptMs = 15_000;
const farewellAttempts = 5;

/** 0 at first, then doubling from 100 ms to 1.5 s, jittered: a server that returns is found within 2 s. */
export function jitteredBackoffMs(attempt: number): number {
  if (attempt === 0) return Math.random() * 50;
  return Math.min(1_500, 100 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

/**
 * Opens a stream that goes on when its carrier is replaced; the other end is a `createResumableHost`. Bytes
 * given to `write` must not be changed afterwards: they may have to be sent again.
 *
 * ```ts
 * const stream = openResumable({ dial: async (hello, signal) => (await connect(signal)).open(metaOf(hello)) });
 * ```
 */
export function openResumable(options: OpenResumableOptions): Duplex {
  const key = new Uint8Array(randomBytes(16));
  const giveUpMs = options.giveUpMs ?? defaultGiveUpMs;
  const attemptMs = options.attemptMs ?? defaultAttemptMs;
  const backoffMs = options.backoffMs ?? jitteredBackoffMs;
  const stop = new AbortController();
  let wasWelcomed = false;
  let answer: PromiseWithResolvers<void> | undefined;

  const stream = new ResumableStream(
    {
      detached(cause) {
        // During an attempt the loop below is waiting for the answer, and takes the loss as its outcome.
        if (answer !== undefined) answer.reject(cause ?? new Error("The connection was lost."));
        else void reconnect(cause);
      },
      welcomed() {
        wasWelcomed = true;
        answer?.resolve();
      },
      whole: (carrier) => void farewell(carrier),
    },
    options.windowBytes ?? defaultWindowBytes,
  );
  stream.once("close", () => {
    stop.abort();
    answer?.resolve();
    options.signal?.removeEventListener("abort", onAbort);
  });
  const onAbort = () => stream.destroy(toError(options.signal?.reason));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();

  /** One dial and its answer. `isFirst`: nothing is there yet, so we need not wait to know where to go on. */
  async function attempt(isFirst: boolean): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new MuxError("connection_lost", `No answer within ${attemptMs} ms.`));
    }, attemptMs);
    try {
      const hello = { key, resume: wasWelcomed, received: BigInt(stream.receivedOffset) };
      const carrier = await options.dial(hello, AbortSignal.any([stop.signal, late.signal]));
      if (stream.destroyed) {
        // The other end has the hello already and would hold a stream for us.
        carrier.write(textRecord(recordType.reset, ""));
        endCarrier(carrier);
        return;
      }
      hasDialed = true;
      const waiting = Promise.withResolvers<void>();
      answer = waiting;
      late.signal.addEventListener("abort", () => waiting.reject(late.signal.reason), { once: true });
      stream.attach(carrier, isFirst ? 0 : undefined, false);
      await waiting.promise;
      answer = undefined;
      // The carrier may have died in the turn of its answer.
      if (!stream.isAttached && !stream.destroyed) throw new Error("The connection was lost.");
    } catch (err) {
      answer = undefined;
      stream.detach(undefined);
      throw err;
    } finally {
      clearTimeout(timer);
    }
    if (!stream.destroyed) options.onState?.("connected");
  }

  let hasDialed = false;
  let isReconnecting = false;

  async function connect(): Promise<void> {
    if (stream.destroyed) return;
    isReconnecting = true;
    try {
      await attempt(true);
      isReconnecting = false;
    } catch (err) {
      isReconnecting = false;
      // A first dial that fails is for the caller to judge; a carrier that broke before its answer is not.
      if (!hasDialed || isFatal(err)) stream.destroy(toError(err));
      else await reconnect(toError(err));
    }
  }

  async function reconnect(lost: Error | undefined): Promise<void> {
    if (isReconnecting || stream.destroyed) return;
    isReconnecting = true;
    options.onState?.("reconnecting", lost);
    const deadlineMs = performance.now() + giveUpMs;
    let cause = lost;
    for (let n = 0; !stream.destroyed; n++) {
      try {
        await wait(backoffMs(n), undefined, { signal: stop.signal });
        await attempt(false);
        break;
      } catch (err) {
        if (stream.destroyed) break;
        cause = toError(err);
        if (isFatal(err)) stream.destroy(cause);
        else if (performance.now() >= deadlineMs) {
          const seconds = Math.round(giveUpMs / 1000);
          const message = `The connection was lost and could not be restored within ${seconds} s: ${cause.message}`;
          stream.destroy(new MuxError("connection_lost", message, { cause }));
        }
      }
    }
    isReconnecting = false;
  }

  /**
   * The other end ends the carrier when it has our last acknowledgement. If the carrier broke before, it would
   * wait for us: tell it once more. Nothing depends on it here, so after a few attempts its own time decides.
   */
  async function farewell(last: Duplex): Promise<void> {
    let wasHeard = await endsInOrder(last);
    for (let n = 0; !wasHeard && n < farewellAttempts && !options.signal?.aborted; n++) {
      try {
        await wait(backoffMs(n), undefined, options.signal ? { signal: options.signal } : {});
        const hello = { key, resume: true, received: BigInt(stream.receivedOffset) };
        const carrier = await options.dial(hello, AbortSignal.timeout(attemptMs));
        endCarrier(carrier);
        wasHeard = await endsInOrder(carrier);
      } catch (err) {
        if (isFatal(err)) return;
      }
    }
  }

  // In the next turn, so that `dial` may refer to the stream that this returns.
  process.nextTick(() => void connect());
  return stream;
}

/** Reads a carrier to its end; false when it broke before. */
function endsInOrder(carrier: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    if (carrier.closed) resolve(carrier.readableEnded);
    carrier.once("end", () => resolve(true));
    carrier.once("close", () => resolve(carrier.readableEnded));
    carrier.resume();
  });
}

function isFatal(err: unknown): boolean {
  return typeof err === "object" && err !== null && "fatal" in err && err.fatal === true;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new MuxError("connection_lost", String(reason));
}
