import type { Duplex } from "node:stream";

const HEADER_BYTES = 4;

/** A message behind its length as u32, big endian: the framing of `StreamAccept` and `ExecFrame`. */
export function encodeDelimited(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + message.byteLength);
  framed.writeUInt32BE(message.byteLength, 0);
  framed.set(message, HEADER_BYTES);
  return framed;
}

/**
 * Takes complete messages out of chunks as they arrive. Bounded: a length above `maxBytes` throws
 * before anything of that message is kept.
 */
export function createDelimitedDecoder(maxBytes: number): (chunk: Uint8Array) => Uint8Array[] {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    const messages: Uint8Array[] = [];
    let offset = 0;
    while (pending.byteLength - offset >= HEADER_BYTES) {
      const length = pending.readUInt32BE(offset);
      if (length > maxBytes)
        throw new RangeError(`A message of ${length} bytes exceeds the limit of ${maxBytes}.`);
      if (pending.byteLength - offset - HEADER_BYTES < length) break;
      messages.push(pending.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + length));
      offset += HEADER_BYTES + length;
    }
    pending = pending.subarray(offset);
    return messages;
  };
}

/**
 * Reads exactly one message and leaves every byte behind it in the stream, for whoever reads next.
 * Rejects when the stream ends first, errors, or `signal` aborts.
 */
export function readDelimited(stream: Duplex, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let pending = Buffer.alloc(0);
    const finish = (act: () => void) => {
      stream.off("readable", onReadable);
      stream.off("end", onEnd);
      stream.off("close", onEnd);
      stream.off("error", onError);
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const onError = (err: Error) => finish(() => reject(err));
    const onAbort = () => finish(() => reject(signal?.reason ?? new Error("aborted")));
    const onEnd = () =>
      finish(() => reject(new Error("The stream ended before a complete message arrived.")));
    const onReadable = () => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) {
        pending = Buffer.concat([pending, chunk]);
        if (pending.byteLength < HEADER_BYTES) continue;
        const length = pending.readUInt32BE(0);
        if (length > maxBytes) {
          finish(() =>
            reject(new RangeError(`A message of ${length} bytes exceeds the limit of ${maxBytes}.`)),
          );
          return;
        }
        if (pending.byteLength < HEADER_BYTES + length) continue;
        const rest = pending.subarray(HEADER_BYTES + length);
        const message = pending.subarray(HEADER_BYTES, HEADER_BYTES + length);
        finish(() => {
          if (rest.byteLength > 0) stream.unshift(rest);
          resolve(message);
        });
        return;
      }
    };
    stream.on("readable", onReadable);
    stream.on("end", onEnd);
    stream.on("close", onEnd);
    stream.on("error", onError);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    onReadable();
  });
}
