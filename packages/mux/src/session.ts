import type { Carrier } from "./carrier.ts";
import { countPassedBytes } from "./collect-young.ts";
import { MuxError, resetCodes, toMuxError } from "./errors.ts";
import {
  type Frame,
  frameType,
  goawayFrame,
  maxMetaBytes,
  maxTextBytes,
  openFrame,
  parseFrame,
  priorityFlag,
  resetFrame,
  u32Frame,
} from "./frame.ts";
import { createTokenBucket, defaultLimits, type SessionLimits } from "./limits.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { SendScheduler } from "./send-scheduler.ts";
import { MuxStream, type StreamLink } from "./stream.ts";
import { createWindowBudget, type WindowBudget } from "./window-budget.ts";

/** The part of a pino logger that the mux uses. */
export type MuxLog = {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

export type SessionOptions = {
  /** The end that dialled opens streams with odd ids, the other with even ones. */
  role: "dialer" | "acceptor";
  /** Without it, streams of the peer are refused. */
  onStream?: (stream: MuxStream) => void;
  /** The peer drains: it accepts no new streams, the open ones go on. Reconnect elsewhere. */
  onGoAway?: (reason: string) => void;
  limits?: Partial<SessionLimits>;
  /** Shared by all sessions of a server; see `createWindowBudget`. */
  windowBudget?: WindowBudget;
  /** A peer that is silent for two intervals after a ping is dead. Default 20 s. */
  keepaliveMs?: number;
  log?: MuxLog;
  nowMs?: () => number;
};

export type Session = {
  /** Opens a stream at once; the peer's refusal arrives as its error. Throws MuxError when it cannot. */
  open(meta: Uint8Array, options?: { priority?: boolean }): MuxStream;
  /** Tells the peer to open no more streams, and closes the session when the last one has ended. */
  goAway(reason: string): void;
  /** Ends all streams. With a cause the peer learns its message. */
  close(cause?: Error): void;
  /** Resolves with the round trip in milliseconds. */
  ping(signal?: AbortSignal): Promise<number>;
  readonly rttMs: number | undefined;
  /** Resolves when the session is over: with its error, or undefined after `close()` by either side. */
  readonly closed: Promise<MuxError | undefined>;
  readonly isClosed: boolean;
  readonly openStreams: number;
  /** Bytes of frames, headers included. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
};

const defaultKeepaliveMs = 20_000;
const missesUntilDead = 2;
/** How long a peer may take to answer our close before the connection is cut. */
const closeGraceMs = 2_000;
/** Ids are 32 bits; nobody opens two thousand million streams, but if they do it ends in order. */
const lastId = 0xffff_fffd;

/**
 * Many streams over one carrier.
 *
 * ```ts
 * const session = createSession(webSocketCarrier(ws), { role: "dialer", onStream: (s) => s.pipe(s) });
 * const stream = session.open(new TextEncoder().encode("tcp 8080"));
 * ```
 */
export function createSession(carrier: Carrier, options: SessionOptions): Session {
  const limits: SessionLimits = { ...defaultLimits, ...options.limits };
  const nowMs = options.nowMs ?? (() => performance.now());
  const budget = createWindowBudget(limits.sessionWindowBytes, options.windowBudget);
  const mayOpen = createTokenBucket(limits.opens, nowMs);
  const mayReset = createTokenBucket(limits.resets, nowMs);
  const scheduler = new SendScheduler<MuxStream>();
  const streams = new Map<number, MuxStream>();
  const ourParity = options.role === "dialer" ? 1 : 0;
  let ourStreams = 0;
  let nextId = options.role === "dialer" ? 1 : 2;
  let lastPeerId = 0;

  let isClosed = false;
  let wentAway = false;
  let peerGoesAway: string | undefined;
  let bytesSent = 0;
  let bytesReceived = 0;
  let rttMs: number | undefined;
  let settleClosed: (error: MuxError | undefined) => void;
  const closed = new Promise<MuxError | undefined>((resolve) => {
    settleClosed = resolve;
  });

  // ---- sending

  let isPumping = false;
  /** Hands frames to the carrier while that takes them; runs again when one has left. */
  function pump(): void {
    if (isPumping) return;
    isPumping = true;
    while (!isClosed && carrier.bufferedAmount <= limits.carrierHighWaterBytes) {
      const stream = scheduler.next();
      if (stream === undefined) break;
      const frame = stream.takeFrame();
      if (frame === undefined) continue;
      send(frame);
      stream.afterTurn();
    }
    isPumping = false;
  }

  function send(frame: Buffer): void {
    bytesSent += frame.length;
    countPassedBytes(frame.length);
    carrier.send(frame, pump);
  }

  function control(frame: Buffer): void {
    if (isClosed) return;
    send(frame);
    if (carrier.bufferedAmount > limits.maxCarrierBufferedBytes) {
      // The peer makes us talk and does not read. Not from here: a caller may be in the middle of its state.
      process.nextTick(
        end,
        new MuxError(
          "limit_exceeded",
          `The peer left ${carrier.bufferedAmount} bytes of control frames unread.`,
        ),
      );
    }
  }

  const link: StreamLink = {
    ready(stream) {
      scheduler.add(stream);
      pump();
    },
    control,
    ended(stream) {
      if (!streams.delete(stream.id)) return;
      if (stream.id % 2 === ourParity) ourStreams--;
      closeWhenDrained();
    },
  };

  function closeWhenDrained(): void {
    if (wentAway && streams.size === 0) process.nextTick(end, undefined);
  }

  function createStream(id: number, meta: Uint8Array, priority: boolean): MuxStream {
    const window = new ReceiveWindow({
      initialBytes: limits.initialWindowBytes,
      maxBytes: limits.maxWindowBytes,
      budget,
      rttMs: () => rttMs,
      nowMs,
    });
    const stream = new MuxStream(link, { id, meta, priority, window, nowMs });
    streams.set(id, stream);
    return stream;
  }

  // ---- receiving

  function receive(message: Uint8Array): void {
    if (isClosed) return;
    bytesReceived += message.length;
    countPassedBytes(message.length);
    misses = 0;
    try {
      handle(parseFrame(message));
    } catch (err) {
      end(toMuxError(err, "protocol_error", "A frame could not be handled."));
    }
  }

  function handle({ type, stream: id, payload }: Frame): void {
    switch (type) {
      case frameType.data:
        streamOf(id, "DATA")?.receiveData(payload);
        break;
      case frameType.window:
        streamOf(id, "WINDOW")?.addCredit(readU32(payload, "WINDOW"));
        break;
      case frameType.open:
        acceptStream(id, payload);
        break;
      case frameType.fin:
        expectEmpty(payload);
        streamOf(id, "FIN")?.receiveFin();
        break;
      case frameType.rst:
        if (!mayReset()) throw new MuxError("limit_exceeded", "The peer resets streams too fast.");
        if (payload.length < 1) throw new MuxError("protocol_error", "RST without a code.");
        streamOf(id, "RST")?.receiveReset(payload[0] ?? 0, readText(payload.subarray(1)));
        break;
      case frameType.ping:
        control(u32Frame(frameType.pong, 0, readU32(payload, "PING")));
        break;
      case frameType.pong:
        receivePong(readU32(payload, "PONG"));
        break;
      case frameType.goaway:
        peerGoesAway = readText(payload);
        options.onGoAway?.(peerGoesAway);
        break;
      default:
        throw new MuxError("protocol_error", `Unknown frame type ${type}.`);
    }
  }

  /** Undefined for a stream that has ended: the peer may not know that yet. */
  function streamOf(id: number, what: string): MuxStream | undefined {
    const stream = streams.get(id);
    if (stream !== undefined) return stream;
    const existed = id > 0 && (id % 2 === ourParity ? id < nextId : id <= lastPeerId);
    if (!existed) throw new MuxError("protocol_error", `${what} for stream ${id}, which was never opened.`);
    return undefined;
  }

  function acceptStream(id: number, payload: Buffer): void {
    if (id === 0 || id % 2 === ourParity) {
      throw new MuxError("protocol_error", `The peer opened stream ${id}, which is not one of its ids.`);
    }
    if (id <= lastPeerId) throw new MuxError("protocol_error", `The peer opened stream ${id} again.`);
    if (payload.length < 1 || payload.length - 1 > maxMetaBytes) {
      throw new MuxError(
        "limit_exceeded",
        `OPEN with ${payload.length - 1} bytes of meta; ${maxMetaBytes} are allowed.`,
      );
    }
    if (!mayOpen()) throw new MuxError("limit_exceeded", "The peer opens streams too fast.");
    if (streams.size - ourStreams >= limits.openStreams) {
      throw new MuxError("limit_exceeded", `The peer has more than ${limits.openStreams} streams open.`);
    }
    lastPeerId = id;
    if (wentAway || options.onStream === undefined) {
      const text = wentAway ? "This end accepts no new streams." : "This end accepts no streams.";
      control(resetFrame(id, resetCodes.refused, text));
      return;
    }
    // A copy: the payload is a view of a socket buffer that is much larger than meta.
    const meta = Uint8Array.from(payload.subarray(1));
    const stream = createStream(id, meta, ((payload[0] ?? 0) & priorityFlag) !== 0);
    try {
      options.onStream(stream);
    } catch (err) {
      options.log?.warn({ err, stream: id }, "mux stream handler failed");
      stream.reset("internal");
    }
  }

  // ---- pings

  const pings = new Map<
    number,
    { sentMs: number; resolve: (ms: number) => void; reject: (e: Error) => void }
  >();
  let nextPing = 1;
  let misses = 0;
  let keepalivePing = 0;
  // The first answer comes from a peer that is still starting. Taken for the round trip, it would let windows,
  // and with them the queues in front of every keystroke, grow to tens of milliseconds.
  let startPings = 5;

  function receivePong(value: number): void {
    const ping = pings.get(value);
    // Late answers of abandoned pings are no error.
    if (ping === undefined) return;
    pings.delete(value);
    const sampleMs = nowMs() - ping.sentMs;
    // Follow a shorter path at once, a longer one slowly: queues of our own lengthen the round trip too.
    rttMs = rttMs === undefined || sampleMs < rttMs ? sampleMs : rttMs + (sampleMs - rttMs) / 8;
    ping.resolve(sampleMs);
    if (value === keepalivePing && startPings > 0) {
      startPings--;
      sendKeepalive();
    }
  }

  async function ping(signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    if (isClosed) throw new MuxError("session_closed", "The session is closed.");
    const value = nextPing;
    nextPing = nextPing === 0xffff_ffff ? 1 : nextPing + 1;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const onAbort = () => {
      pings.delete(value);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    pings.set(value, { sentMs: nowMs(), resolve, reject });
    control(u32Frame(frameType.ping, 0, value));
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  function sendKeepalive(): void {
    pings.delete(keepalivePing);
    keepalivePing = nextPing;
    // The outcome is seen in `misses`; a rejection at the session's end says nothing new.
    ping().catch(() => {});
  }

  const keepaliveMs = options.keepaliveMs ?? defaultKeepaliveMs;
  const keepalive = setInterval(() => {
    if (misses >= missesUntilDead) {
      end(
        new MuxError(
          "keepalive_timeout",
          `The peer has not answered for ${missesUntilDead * keepaliveMs} ms.`,
        ),
      );
      return;
    }
    misses++;
    sendKeepalive();
  }, keepaliveMs);
  keepalive.unref();

  // ---- ending

  function end(cause: Error | undefined): void {
    if (isClosed) return;
    isClosed = true;
    clearInterval(keepalive);
    const error = cause === undefined ? undefined : toMuxError(cause, "session_closed", cause.message);
    const streamError =
      error === undefined
        ? new MuxError("session_closed", "The session was closed.")
        : new MuxError(error.code, error.message, { cause: error });
    for (const stream of [...streams.values()]) stream.fail(streamError);
    streams.clear();
    ourStreams = 0;
    for (const { reject } of pings.values()) reject(streamError);
    pings.clear();
    if (error?.code === "keepalive_timeout") {
      carrier.terminate();
    } else {
      carrier.close(error?.message);
      if (error !== undefined) setTimeout(() => carrier.terminate(), closeGraceMs).unref();
    }
    if (error !== undefined) options.log?.debug({ err: error }, "mux session ended");
    settleClosed(error);
  }

  carrier.start({
    message: receive,
    close(cause) {
      if (cause === undefined) end(undefined);
      else end(toMuxError(cause, "connection_lost", `The connection was lost: ${cause.message}`));
    },
  });
  sendKeepalive();

  return {
    open(meta, { priority = false } = {}) {
      if (isClosed) throw new MuxError("session_closed", "The session is closed.");
      if (peerGoesAway !== undefined) {
        throw new MuxError("going_away", `The other end accepts no new streams: ${peerGoesAway}`);
      }
      if (wentAway) throw new MuxError("going_away", "This session is going away.");
      if (meta.length > maxMetaBytes) {
        throw new MuxError("limit_exceeded", `meta has ${meta.length} bytes; ${maxMetaBytes} are allowed.`);
      }
      if (ourStreams >= limits.openStreams || nextId > lastId) {
        throw new MuxError(
          "limit_exceeded",
          `${ourStreams} streams are open on this connection; close some first.`,
        );
      }
      const id = nextId;
      nextId += 2;
      ourStreams++;
      const stream = createStream(id, meta, priority);
      control(openFrame(id, meta, priority));
      return stream;
    },
    goAway(reason) {
      if (isClosed || wentAway) return;
      wentAway = true;
      control(goawayFrame(reason));
      closeWhenDrained();
    },
    close: end,
    ping,
    get rttMs() {
      return rttMs;
    },
    closed,
    get isClosed() {
      return isClosed;
    },
    get openStreams() {
      return streams.size;
    },
    get bytesSent() {
      return bytesSent;
    },
    get bytesReceived() {
      return bytesReceived;
    },
  };
}

function readU32(payload: Buffer, what: string): number {
  if (payload.length !== 4) {
    throw new MuxError("protocol_error", `${what} carries 4 bytes, got ${payload.length}.`);
  }
  return payload.readUInt32BE(0);
}

function expectEmpty(payload: Buffer): void {
  if (payload.length !== 0) throw new MuxError("protocol_error", "FIN carries no bytes.");
}

function readText(payload: Buffer): string {
  if (payload.length > maxTextBytes) {
    throw new MuxError("protocol_error", `A text of ${payload.length} bytes exceeds ${maxTextBytes}.`);
  }
  return payload.toString("utf8");
}
