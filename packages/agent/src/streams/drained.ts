import type { Duplex, Writable } from "node:stream";

/** Resolves when the stream is closed, also when its client left before anybody listened. */
export function closedOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once("close", resolve);
  });
}

/** Resolves when more may be written, or nothing can be any more. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writableNeedDrain) return resolve();
    const settle = () => {
      stream.off("drain", settle);
      stream.off("close", settle);
      resolve();
    };
    stream.once("drain", settle).once("close", settle);
  });
}
