import type { Duplex } from "node:stream";
import { closedOf } from "./drained.ts";

/**
 * Joins two streams, each with its own half-close: what one ends, the other gets as its end, and what breaks one
 * breaks the other. `pipe` alone does not carry destruction.
 */
export function splice(left: Duplex, right: Duplex): Promise<void> {
  left.pipe(right);
  right.pipe(left);
  return Promise.all([follow(left, right), follow(right, left)]).then(() => {});
}

function follow(one: Duplex, other: Duplex): Promise<void> {
  // The close event follows every error.
  one.on("error", () => other.destroy());
  return closedOf(one).then(() => {
    // Ended in order: what it sent may still wait in the other's buffer.
    if (one.readableEnded && !other.writableFinished) other.once("finish", () => other.destroy());
    else other.destroy();
  });
}
