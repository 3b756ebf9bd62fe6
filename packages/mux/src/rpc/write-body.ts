import type { MuxStream } from "../stream.ts";

/** Writes all chunks, waiting for the reader; stops when the stream is gone. Does not end the stream. */
export async function writeBody(stream: MuxStream, body: AsyncIterable<Uint8Array>): Promise<void> {
  // Leaving the loop returns the iterator, which lets the producer clean up.
  for await (const chunk of body) {
    if (stream.destroyed) return;
    if (!stream.write(chunk)) await drained(stream);
    if (stream.destroyed) return;
  }
}

function drained(stream: MuxStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
