import { WebSocket } from "ws";
import type { Carrier, CarrierHandlers } from "./carrier.ts";
import { MuxError } from "./errors.ts";

/** A close frame holds at most 123 bytes of reason (RFC 6455, 5.5). */
const maxReasonBytes = 123;
const receiverRoomBytes = 128 * 1024;
/** One socket with much to read gives way to the others, and to timers, after this much. */
const turnBytes = 256 * 1024;

/**
 * A carrier over a WebSocket, one message per frame of the mux. Make it in the same turn in which the
 * socket opens (or while it is still connecting): it pauses the socket until `start`, because a frame that
 * arrives before anybody listens would be lost.
 */
export function webSocketCarrier(ws: WebSocket): Carrier {
  let handlers: CarrierHandlers | undefined;
  let failure: Error | undefined;
  let closed: { cause: Error | undefined } | undefined;
  // Messages that the receiver had already parsed when we paused it: bounded by one socket read.
  let early: Uint8Array[] | undefined = [];
  let unsent: { message: Uint8Array; sent: ((err?: Error) => void) | undefined }[] = [];
  let unsentBytes = 0;
  let readBytes = 0;

  const opened = () => {
    keepReading(ws);
    if (early !== undefined) ws.pause();
  };
  if (ws.readyState === WebSocket.CONNECTING) {
    ws.once("open", () => {
      opened();
      const waiting = unsent;
      unsent = [];
      unsentBytes = 0;
      for (const { message, sent } of waiting) ws.send(message, sent);
    });
  } else {
    opened();
  }

  let givesWay = false;
  const giveWay = () => {
    if (givesWay || early !== undefined || closed !== undefined) return;
    givesWay = true;
    ws.pause();
    setImmediate(() => {
      givesWay = false;
      readBytes = 0;
      ws.resume();
    });
  };

  ws.on("message", (data, isBinary) => {
    if (closed !== undefined) return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      failure ??= new MuxError(
        "protocol_error",
        "The peer sent a text message; only binary ones are allowed.",
      );
      ws.close(1003, "binary messages only");
      return;
    }
    if (early !== undefined) early.push(data);
    else handlers?.message(data);
    readBytes += data.length;
    if (readBytes >= turnBytes) giveWay();
  });
  ws.on("error", (err) => {
    failure ??= err;
  });
  ws.on("close", (code, reason) => {
    if (closed !== undefined) return;
    const text = reason.toString();
    if (code !== 1000 && code !== 1005) {
      failure ??= new Error(`The WebSocket closed with code ${code}${text === "" ? "" : `: ${text}`}.`);
    }
    closed = { cause: failure };
    if (early === undefined) handlers?.close(failure);
    const waiting = unsent;
    unsent = [];
    for (const { sent } of waiting) sent?.(failure ?? new Error("The WebSocket closed."));
  });

  return {
    send(message, sent) {
      if (ws.readyState === WebSocket.CONNECTING) {
        unsent.push({ message, sent });
        unsentBytes += message.length;
      } else {
        ws.send(message, sent);
      }
    },
    get bufferedAmount() {
      return ws.bufferedAmount + unsentBytes;
    },
    start(given) {
      handlers = given;
      process.nextTick(() => {
        const waiting = early ?? [];
        early = undefined;
        for (const message of waiting) given.message(message);
        if (closed !== undefined) given.close(closed.cause);
        else ws.resume();
      });
    },
    close(reason = "") {
      // A paused socket would never see the answer to its close frame.
      if (ws.isPaused) ws.resume();
      ws.close(1000, truncateUtf8(reason, maxReasonBytes));
    },
    terminate() {
      ws.terminate();
    },
  };
}

/**
 * The receiver of `ws` (8.23) parses each chunk at once, but counts a chunk of 64 KiB, the most that Node reads, as too
 * much: the socket is stopped and started again after each. With a little more room that does not happen.
 */
function keepReading(ws: WebSocket): void {
  // Not declared, and nothing breaks where it is missing.
  const { _receiver } = ws as unknown as { _receiver?: { _writableState?: { highWaterMark?: number } } };
  if (_receiver?._writableState?.highWaterMark !== undefined) {
    _receiver._writableState.highWaterMark = receiverRoomBytes;
  }
}

function truncateUtf8(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // Cut before a code point, not inside one: continuation bytes are 10xxxxxx.
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
