import type { Duplex } from "node:stream";
import { MuxError } from "../errors.ts";
import type { ResumableHello } from "./open-resumable.ts";
import { record, recordType, textRecord } from "./records.ts";
import { defaultWindowBytes, endCarrier, ResumableStream } from "./resumable-stream.ts";

export type ResumableHostOptions = {
  /** How long a stream without a carrier is kept. Default 10 minutes. */
  holdMs?: number;
  /** Streams at a time, with and without a carrier. Default 256. */
  maxStreams?: number;
  /** Sum of unacknowledged bytes; beyond it the streams that were left longest are dropped. Default 64 MiB. */
  maxBytes?: number;
  /** Most unacknowledged bytes of one stream. */
  windowBytes?: number;
};

export type ResumableHost = {
  /**
   * Takes a carrier that arrived with this hello: `onNew` is called for a new stream, a known one goes on.
   * Whether the caller may is decided before, each time.
   */
  accept(carrier: Duplex, hello: ResumableHello, onNew: (stream: Duplex) => void): void;
  /** Whether a stream with this key can go on, with a carrier or without. */
  knows(key: Uint8Array): boolean;
  /** Ends a stream at once, on both sides; `reason` is shown to the other. False when the key is not known. */
  forget(key: Uint8Array, reason: string): boolean;
  close(): void;
  /** Streams that wait for a carrier. */
  readonly held: number;
  /** All streams. */
  readonly streams: number;
  readonly retainedBytes: number;
};

/** How many ended streams are remembered, to answer an opening end that missed the last words. */
const maxTombstones = 1024;

type Entry = { stream: ResumableStream; holdTimer: NodeJS.Timeout | undefined };
/** `received` when the stream ended whole, else the reason why it is gone. */
type Tombstone = { received: number } | { reason: string };

export function createResumableHost(options: ResumableHostOptions = {}): ResumableHost {
  const holdMs = options.holdMs ?? 10 * 60_000;
  const maxStreams = options.maxStreams ?? 256;
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const windowBytes = options.windowBytes ?? defaultWindowBytes;
  const entries = new Map<string, Entry>();
  /** In the order in which they lost their carriers. */
  const held = new Map<string, Entry>();
  const tombstones = new Map<string, Tombstone>();
  let retainedBytes = 0;
  let isClosed = false;

  function create(key: string): Entry {
    const stream = new ResumableStream(
      {
        detached: () => hold(key, entry),
        retained(deltaBytes) {
          retainedBytes += deltaBytes;
        },
        mayRetain() {
          while (retainedBytes > maxBytes && dropOldestHeld("too much data waited for this connection")) {}
          return retainedBytes <= maxBytes;
        },
      },
      windowBytes,
    );
    const entry: Entry = { stream, holdTimer: undefined };
    entries.set(key, entry);
    stream.once("close", () => {
      release(key, entry);
      entries.delete(key);
      const isWhole = stream.readableEnded && stream.writableFinished;
      bury(key, isWhole ? { received: stream.receivedOffset } : { reason: reasonOf(stream.errored) });
    });
    return entry;
  }

  function hold(key: string, entry: Entry): void {
    held.set(key, entry);
    entry.holdTimer = setTimeout(() => {
      drop(entry, `it was away for more than ${Math.round(holdMs / 1000)} s`);
    }, holdMs);
    entry.holdTimer.unref();
    while (retainedBytes > maxBytes && dropOldestHeld("too much data waited for this connection")) {}
  }

  function release(key: string, entry: Entry): void {
    clearTimeout(entry.holdTimer);
    entry.holdTimer = undefined;
    held.delete(key);
  }

  function drop(entry: Entry, why: string): void {
    entry.stream.destroy(new MuxError("stream_gone", `The connection was given up: ${why}.`));
  }

  function dropOldestHeld(why: string): boolean {
    const oldest = held.entries().next().value;
    if (oldest === undefined) return false;
    // Out of the list at once: the stream's `close` comes later.
    release(oldest[0], oldest[1]);
    drop(oldest[1], why);
    return true;
  }

  function bury(key: string, tombstone: Tombstone): void {
    tombstones.set(key, tombstone);
    if (tombstones.size > maxTombstones) {
      const oldest = tombstones.keys().next().value;
      if (oldest !== undefined) tombstones.delete(oldest);
    }
  }

  function refuse(carrier: Duplex, text: string): void {
    carrier.write(textRecord(recordType.unknown, text));
    endCarrier(carrier);
  }

  return {
    accept(carrier, hello, onNew) {
      if (hello.key.length !== 16) return refuse(carrier, "The key of a resumable stream has 16 bytes.");
      if (isClosed) return refuse(carrier, "The other end is shutting down.");
      const key = Buffer.from(hello.key).toString("hex");
      const known = entries.get(key);
      if (known !== undefined && !known.stream.destroyed) {
        release(key, known);
        known.stream.attach(carrier, Number(hello.received), true);
        return;
      }
      const tombstone = tombstones.get(key);
      if (tombstone !== undefined && "received" in tombstone) {
        // It ended whole, and the other end missed only our last acknowledgement.
        carrier.write(record(recordType.welcome, tombstone.received));
        return endCarrier(carrier);
      }
      if (tombstone !== undefined) return refuse(carrier, tombstone.reason);
      if (hello.resume) {
        return refuse(
          carrier,
          "The connection cannot be resumed: the other end no longer knows it. Connect again.",
        );
      }
      if (entries.size >= maxStreams && !dropOldestHeld("newer connections needed its place")) {
        return refuse(carrier, `${maxStreams} connections are open here already; close some first.`);
      }
      const { stream } = create(key);
      stream.attach(carrier, 0, true);
      onNew(stream);
    },
    knows: (key) => entries.get(Buffer.from(key).toString("hex"))?.stream.destroyed === false,
    forget(keyBytes, reason) {
      const key = Buffer.from(keyBytes).toString("hex");
      const entry = entries.get(key);
      if (entry === undefined || entry.stream.destroyed) return false;
      release(key, entry);
      entry.stream.destroy(new MuxError("stream_reset", reason, { reset: "forbidden" }));
      return true;
    },
    close() {
      isClosed = true;
      for (const { stream } of [...entries.values()]) {
        stream.destroy(new MuxError("stream_gone", "The other end is shutting down."));
      }
    },
    get held() {
      return held.size;
    },
    get streams() {
      return entries.size;
    },
    get retainedBytes() {
      return retainedBytes;
    },
  };
}

function reasonOf(error: Error | null): string {
  return error instanceof MuxError ? error.message : "The connection was closed by the other end.";
}
