import { MuxError } from "../errors.ts";

/*
 * A call is one stream. Each direction starts with a head (u32 length, JSON), the body follows as it is, and
 * the half close ends it. The Connect protocol carries its trailers in the body.
 */
export type RequestHead = { path: string; method: string; header: [string, string][] };
export type ResponseHead = { status: number; header: [string, string][] };

export const maxHeadBytes = 64 * 1024;
const lengthBytes = 4;

export function encodeHead(head: RequestHead | ResponseHead): Buffer {
  const json = JSON.stringify(head);
  const size = Buffer.byteLength(json);
  if (size > maxHeadBytes) {
    throw new MuxError(
      "limit_exceeded",
      `The headers of a call have ${size} bytes; ${maxHeadBytes} are allowed.`,
    );
  }
  const buffer = Buffer.allocUnsafe(lengthBytes + size);
  buffer.writeUInt32BE(size);
  buffer.write(json, lengthBytes);
  return buffer;
}

/** Reads the head; what came behind it is the start of the body. Undefined when the stream ended before it. */
export async function readHead(
  chunks: AsyncIterator<Buffer>,
): Promise<{ head: unknown; rest: Buffer } | undefined> {
  let buffer: Buffer = Buffer.alloc(0);
  for (;;) {
    if (buffer.length >= lengthBytes) {
      const size = buffer.readUInt32BE(0);
      if (size > maxHeadBytes) {
        throw new MuxError(
          "protocol_error",
          `The head of a call has ${size} bytes; ${maxHeadBytes} are allowed.`,
        );
      }
      const end = lengthBytes + size;
      if (buffer.length >= end) {
        return { head: parseJson(buffer.toString("utf8", lengthBytes, end)), rest: buffer.subarray(end) };
      }
    }
    const next = await chunks.next();
    if (next.done) return undefined;
    buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value]);
  }
}

export function parseRequestHead(head: unknown): RequestHead {
  if (
    isRecord(head) &&
    typeof head.path === "string" &&
    typeof head.method === "string" &&
    isHeader(head.header)
  ) {
    return { path: head.path, method: head.method, header: head.header };
  }
  throw new MuxError("protocol_error", "The head of a call lacks path, method or header.");
}

export function parseResponseHead(head: unknown): ResponseHead {
  if (isRecord(head) && typeof head.status === "number" && isHeader(head.header)) {
    return { status: head.status, header: head.header };
  }
  throw new MuxError("protocol_error", "The head of an answer lacks status or header.");
}

/** The body: what came with the head, then the rest of the stream. */
export async function* bodyOf(rest: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  if (rest.length > 0) yield rest;
  for (;;) {
    const next = await chunks.next();
    if (next.done) return;
    yield next.value;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (err) {
    throw new MuxError("protocol_error", "The head of a call is not JSON.", { cause: err });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isHeader(value: unknown): value is [string, string][] {
  return (
    Array.isArray(value) &&
    value.every(
      (e) => Array.isArray(e) && e.length === 2 && typeof e[0] === "string" && typeof e[1] === "string",
    )
  );
}
