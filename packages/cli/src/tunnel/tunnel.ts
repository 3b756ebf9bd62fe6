import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Client } from "@slipway/api/client";
import {
  MuxError,
  openResumable,
  type ResumableHello,
  readDelimited,
  type Session,
} from "@slipway/mux/streams";
import { StreamAcceptSchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import type { Cli } from "../cli.ts";
import { dialSession } from "./dial-session.ts";
import { TunnelRefusal } from "./tunnel-refusal.ts";

/** What a stream is for, as `StreamOpen` names it: `{ case: "tcp", value: { host: "", port: 80 } }`. */
export type StreamKind = NonNullable<MessageInitShape<typeof StreamOpenSchema>["kind"]>;

export type TunnelState = "connected" | "reconnecting";

export type Tunnel = {
  /** Opens a stream that ends with its carrier, once the other end has accepted it. */
  open(kind: StreamKind, options?: { signal?: AbortSignal }): Promise<Duplex>;
  /** Opens a stream that goes on when the carrier is replaced. What goes wrong arrives as its error. */
  openResumable(
    kind: StreamKind,
    options?: { signal?: AbortSignal; onState?: (state: TunnelState, cause?: Error) => void },
  ): Duplex;
  /** All that has passed, in both directions, frames included. */
  traffic(): { sentBytes: number; receivedBytes: number };
  /** Ends the carrier once its streams have ended, or after a moment; then streams that are left are destroyed. */
  close(): Promise<void>;
};

const maxAcceptBytes = 64 * 1024;
const agentAwayPauseMs = 100;
/** Each step of an orderly end takes at most this long (agent-and-apps.md 2.2). */
const closeMs = 2_000;

/**
 * The way of this program to one agent. Streams share one carrier, which is dialled when it is needed and again
 * when it was lost, once for all of them.
 */
export function createTunnel(cli: Cli, client: Client, agentId: string): Tunnel {
  const stopping = new AbortController();
  const total = { sentBytes: 0, receivedBytes: 0 };
  let current: Promise<Session> | undefined;
  let live: Session | undefined;

  /** The carrier in use, or a new one. Whoever waits for it may stop waiting; the dialling is everybody's. */
  function session(signal: AbortSignal): Promise<Session> {
    return abortable(current ?? dial(), signal);
  }

  function dial(): Promise<Session> {
    const forget = () => {
      if (current === dialled) current = undefined;
    };
    const dialled: Promise<Session> = dialSession(cli, client, agentId, {
      signal: stopping.signal,
      // The server is leaving: streams that are open may end there, new ones begin on another carrier.
      onGoAway: forget,
    }).then((found) => {
      live = found;
      void found.closed.then(() => {
        total.sentBytes += found.bytesSent;
        total.receivedBytes += found.bytesReceived;
        if (live === found) live = undefined;
        forget();
      });
      return found;
    });
    current = dialled;
    dialled.catch(forget);
    return dialled;
  }

  async function openOnce(
    kind: StreamKind,
    signal: AbortSignal,
    hello: ResumableHello | undefined,
  ): Promise<Duplex> {
    const carrier = await session(signal);
    const meta = create(StreamOpenSchema, { version: 1, kind, ...(hello ? { resume: hello } : {}) });
    const stream = carrier.open(toBinary(StreamOpenSchema, meta));
    // An error before the answer is the answer's; afterwards it is for whoever uses the stream.
    const ignore = () => {};
    stream.on("error", ignore);
    try {
      const accept = fromBinary(StreamAcceptSchema, await readDelimited(stream, maxAcceptBytes, signal));
      if (!accept.ok)
        throw new TunnelRefusal(accept.errorCode, accept.error || "The connection was refused.");
      stream.off("error", ignore);
      return stream;
    } catch (err) {
      stream.destroy();
      throw err;
    }
  }

  /** An agent that is on its way back is waited for, as long as the signal allows. */
  async function openWhenThere(kind: StreamKind, signal: AbortSignal, hello?: ResumableHello) {
    for (;;) {
      try {
        return await openOnce(kind, signal, hello);
      } catch (err) {
        if (!isPassing(err) || signal.aborted) throw err;
        await sleep(agentAwayPauseMs, undefined, { signal }).catch(() => {
          throw err;
        });
      }
    }
  }

  return {
    open: (kind, options = {}) => openWhenThere(kind, AbortSignal.any(signals(options.signal))),
    openResumable(kind, options = {}) {
      const { onState } = options;
      return openResumable({
        dial: (hello, attempt) => openWhenThere(kind, attempt, hello),
        backoffMs,
        // A stream that still looks for its other end when the tunnel is closed would keep this program alive.
        signal: AbortSignal.any(signals(options.signal)),
        ...(onState ? { onState } : {}),
      });
    },
    traffic: () => ({
      sentBytes: total.sentBytes + (live?.bytesSent ?? 0),
      receivedBytes: total.receivedBytes + (live?.bytesReceived ?? 0),
    }),
    async close() {
      const ending = live;
      if (ending) {
        ending.goAway("done");
        const late = setTimeout(() => ending.close(), closeMs);
        await ending.closed;
        clearTimeout(late);
      }
      stopping.abort(new Error("The tunnel was closed."));
    },
  };

  function signals(given: AbortSignal | undefined): AbortSignal[] {
    return given ? [stopping.signal, given] : [stopping.signal];
  }
}

/** An agent on its way back, or one that has connected and not got its manifest yet. */
function isPassing(err: unknown): boolean {
  if (err instanceof TunnelRefusal) return !err.fatal;
  return err instanceof MuxError && (err.reset === "unavailable" || err.code === "going_away");
}

/**
 * From 100 ms to at most 1 s, jittered, for as long as streams are held at the other end: a shell goes on within
 * 2 s of the server's return (transport.md, Resumable streams).
 */
export function backoffMs(attempt: number): number {
  return Math.min(1_000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
