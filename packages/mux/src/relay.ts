import type { Duplex } from "node:stream";
import { MuxError } from "./errors.ts";

export type Relay = {
  /** Resolves, never rejects, when both streams are closed. */
  done: Promise<{ aToB: number; bToA: number; cause?: Error }>;
  /** Ends both streams at once; `cause` reaches the other ends when it is a MuxError. */
  cut(cause: Error): void;
};

/**
 * Joins two streams. Backpressure goes through (so a relay holds at most a window), a half close is passed
 * on, and an end that breaks takes the other with it, with the same reason: `pipe` does neither of these.
 */
export function relay(a: Duplex, b: Duplex, options: { signal?: AbortSignal } = {}): Relay {
  const bytes = { aToB: 0, bToA: 0 };
  let cause: Error | undefined;
  const { promise: done, resolve } = Promise.withResolvers<{ aToB: number; bToA: number; cause?: Error }>();
  let openEnds = 2;

  const onAbort = () => cut(toError(options.signal?.reason));
  const onClose = () => {
    if (--openEnds > 0) return;
    options.signal?.removeEventListener("abort", onAbort);
    resolve({ ...bytes, ...(cause === undefined ? {} : { cause }) });
  };

  function cut(why: Error): void {
    cause ??= why;
    a.destroy(why);
    b.destroy(why);
  }

  function join(from: Duplex, to: Duplex, count: "aToB" | "bToA"): void {
    from.on("data", (chunk: Buffer) => {
      bytes[count] += chunk.length;
      if (!to.destroyed && !to.writableEnded && !to.write(chunk)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    from.on("error", (err) => {
      cause ??= err;
    });
    from.on("close", () => {
      onClose();
      if (to.destroyed) return;
      const isWhole = from.readableEnded && from.writableFinished;
      // What `from` sent in order before it closed must still reach the other side.
      if (from.readableEnded && !to.writableFinished) to.once("finish", () => closeAfter(isWhole));
      else closeAfter(isWhole);
    });
    const closeAfter = (isWhole: boolean) => {
      // A whole end was passed on as half closes; the other stream ends by itself when it is read.
      if (isWhole) to.resume();
      else
        to.destroy(
          from.errored ??
            new MuxError("stream_reset", "The other end closed the stream.", { reset: "canceled" }),
        );
    };
  }

  join(a, b, "aToB");
  join(b, a, "bToA");
  if (a.destroyed || b.destroyed)
    cut(new MuxError("stream_gone", "The stream was closed before it was joined."));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  return { done, cut };
}

function toError(reason: unknown): Error {
  return reason instanceof Error
    ? reason
    : new MuxError("stream_reset", "The relay was ended.", { reset: "canceled" });
}
