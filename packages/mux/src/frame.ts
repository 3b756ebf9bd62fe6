import { MuxError } from "./errors.ts";

/*
 * One frame per message of the carrier: type (u8), stream (u32, big endian), payload. Ids are odd from the
 * dialler and even from the acceptor, and only grow; session frames (PING, PONG, GOAWAY) carry stream 0.
 */
export const frameType = {
  /** flags (u8, bit 0: priority), meta */
  open: 1,
  /** bytes of the stream, within the credit given */
  data: 2,
  /** u32: that many bytes more may be sent */
  window: 3,
  /** no more bytes follow (half close) */
  fin: 4,
  /** code (u8), message (UTF-8): the sender has forgotten the stream */
  rst: 5,
  /** u32, sent back unchanged */
  ping: 6,
  pong: 7,
  /** reason (UTF-8): the sender accepts no new streams */
  goaway: 8,
} as const;

export const headerBytes = 5;
/** Bytes that a stream sends in its turn: what one read of a socket or a pipe brings. */
export const turnBytes = 64 * 1024;
/** A few bytes more than a turn are sent with it: the headers of what it carries must not cost a frame of their own. */
export const maxDataBytes = turnBytes + 1024;
export const maxMetaBytes = 4 * 1024;
/** `maxPayload` of the WebSocket under a session. */
export const maxMessageBytes = headerBytes + maxDataBytes;
/** Most bytes of text in RST and GOAWAY; longer ones are cut. */
export const maxTextBytes = 1024;
/** Both ends may send this much on a new stream before any WINDOW. 4,096 such streams are 32 MiB. */
export const firstCreditBytes = 8 * 1024;
/** More outstanding credit than this is a protocol violation. */
export const maxCreditBytes = 64 * 1024 * 1024;

export const priorityFlag = 1;

/** A frame with room for `payloadBytes` behind its header. */
export function allocateFrame(type: number, stream: number, payloadBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payloadBytes);
  frame[0] = type;
  frame.writeUInt32BE(stream, 1);
  return frame;
}

/** Marks a payload whose frame header, the bytes before it, may be overwritten. */
const headroom = Symbol("headroom");
type WithHeadroom = Buffer & { [headroom]?: boolean };

/**
 * Says that `headerBytes` before this payload are of use to nobody: the header of a frame that was parsed, or room
 * left on purpose. Whoever sends the payload on then needs neither a new buffer nor a copy (a fifth of a relay's CPU
 * time).
 */
export function markHeadroom(payload: Buffer): void {
  (payload as WithHeadroom)[headroom] = true;
}

/** A DATA frame in place, around a marked payload; undefined for any other. Works once: the mark is taken. */
export function frameInPlace(stream: number, payload: Buffer): Buffer | undefined {
  if ((payload as WithHeadroom)[headroom] !== true) return undefined;
  // Written to a second stream, the payload must not change the first one's frame, which may not have left yet.
  (payload as WithHeadroom)[headroom] = false;
  const frame = Buffer.from(payload.buffer, payload.byteOffset - headerBytes, headerBytes + payload.length);
  frame[0] = frameType.data;
  frame.writeUInt32BE(stream, 1);
  return frame;
}

export function openFrame(stream: number, meta: Uint8Array, priority: boolean): Buffer {
  const frame = allocateFrame(frameType.open, stream, 1 + meta.length);
  frame[headerBytes] = priority ? priorityFlag : 0;
  frame.set(meta, headerBytes + 1);
  return frame;
}

export function u32Frame(type: number, stream: number, value: number): Buffer {
  const frame = allocateFrame(type, stream, 4);
  frame.writeUInt32BE(value, headerBytes);
  return frame;
}

export function resetFrame(stream: number, code: number, message: string): Buffer {
  const text = Buffer.from(message).subarray(0, maxTextBytes);
  const frame = allocateFrame(frameType.rst, stream, 1 + text.length);
  frame[headerBytes] = code;
  frame.set(text, headerBytes + 1);
  return frame;
}

export function goawayFrame(reason: string): Buffer {
  const text = Buffer.from(reason).subarray(0, maxTextBytes);
  const frame = allocateFrame(frameType.goaway, 0, text.length);
  frame.set(text, headerBytes);
  return frame;
}

export type Frame = { type: number; stream: number; payload: Buffer };

/** Splits a message without copying it. Whether type and payload fit is for the session to judge. */
export function parseFrame(message: Uint8Array): Frame {
  if (message.length < headerBytes) {
    throw new MuxError("protocol_error", `A frame has at least ${headerBytes} bytes, got ${message.length}.`);
  }
  if (message.length > maxMessageBytes) {
    throw new MuxError("protocol_error", `A frame of ${message.length} bytes exceeds ${maxMessageBytes}.`);
  }
  const buffer = Buffer.isBuffer(message)
    ? message
    : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  return { type: buffer[0] ?? 0, stream: buffer.readUInt32BE(1), payload: buffer.subarray(headerBytes) };
}
