import { once } from "node:events";
import { closedOf, drained } from "./drained.ts";
import type { IncomingStream } from "./incoming-stream.ts";

const CHUNK_BYTES = 32 * 1024;
const MAX_DURATION_MS = 10 * 60_000;

/** Every byte comes back. */
export async function servePing(incoming: IncomingStream): Promise<void> {
  const stream = incoming.accept();
  stream.on("error", () => {});
  stream.pipe(stream);
  await closedOf(stream);
}

/**
 * Upload: the client sends until it ends its half, and gets the number of bytes that arrived as u64 big endian.
 * Download: we send for as long as it asked.
 */
export async function serveSpeedtest(
  incoming: IncomingStream,
  upload: boolean,
  durationMs: number,
): Promise<void> {
  const stream = incoming.accept();
  stream.on("error", () => {});
  if (upload) {
    let received = 0n;
    stream.on("data", (chunk: Buffer) => {
      received += BigInt(chunk.byteLength);
    });
    stream.once("end", () => {
      const answer = Buffer.alloc(8);
      answer.writeBigUInt64BE(received);
      stream.end(answer);
    });
    await once(stream, "close");
    return;
  }
  stream.resume();
  const chunk = Buffer.alloc(CHUNK_BYTES, 0x5a);
  const until = performance.now() + Math.min(durationMs, MAX_DURATION_MS);
  while (performance.now() < until && !stream.destroyed) {
    if (!stream.write(chunk)) await drained(stream);
  }
  stream.end();
}
