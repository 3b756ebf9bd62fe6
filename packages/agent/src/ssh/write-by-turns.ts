import type { Duplex } from "node:stream";

/**
 * Collects what one turn of the event loop writes into one write. ssh2 writes a packet as three pieces and each packet
 * of a chunk on its own; to the connection below they would be as many frames.
 */
export function writeByTurns(stream: Duplex): void {
  const write = stream.write.bind(stream);
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    stream.uncork();
  };
  // ssh2 gives it chunks and nothing else.
  stream.write = (chunk: Buffer) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(chunk);
  };
}
