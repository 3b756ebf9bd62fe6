import type { Writable } from "node:stream";
import type { ExecChannel } from "./exec-channel.ts";

/** Each piece costs some hundred bytes besides its own, and an empty one costs as much as any. */
const MAX_PENDING_PIECES = 1024;

/**
 * Gives input to a program that may not read it: the channel is stopped while more waits than `maxBytes`, or more
 * pieces than anybody types.
 */
export function createInputFeed(
  input: Writable,
  channel: Pick<ExecChannel, "pause" | "resume">,
  maxBytes: number,
): (bytes: Uint8Array) => void {
  let pieces = 0;
  const hasRoom = () => pieces < MAX_PENDING_PIECES && input.writableLength <= maxBytes;
  return (bytes) => {
    if (bytes.byteLength === 0 || input.destroyed || input.writableEnded) return;
    pieces++;
    input.write(Buffer.from(bytes), () => {
      pieces--;
      if (hasRoom() || input.destroyed) channel.resume();
    });
    if (!hasRoom()) channel.pause();
  };
}
