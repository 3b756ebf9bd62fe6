import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often we look; a look takes less than a microsecond. */
const lookEveryBytes = 256 * 1024;
/** A collection of so much takes a few tenths of a millisecond. */
const collectAtBytes = 4 * 1024 * 1024;

/** Of the process, as its heap is. */
let passedBytes = 0;
/** The least that all buffers together held since the last collection, which frees them in the background. */
let floorBytes = Number.POSITIVE_INFINITY;
let collectYoung: ((options: { type: "minor" }) => void) | undefined;

/**
 * Counts bytes that pass through this process, and collects young garbage when it holds some megabytes of buffers.
 *
 * A buffer costs the heap a few dozen bytes, so that streams alone hardly ever fill the young generation. V8 counts
 * what buffers hold towards the limit of the old one instead, and collects all of the heap when that is reached: 20 ms
 * and more for every ten megabytes that pass, which was half of the CPU time of bulk transfers and the longest pause in
 * front of keystrokes. Freed while they are young, the same buffers cost a hundredth of that.
 */
export function countPassedBytes(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < lookEveryBytes) return;
  passedBytes = 0;
  const { external_memory: heldBytes } = getHeapStatistics();
  floorBytes = Math.min(floorBytes, heldBytes);
  if (heldBytes - floorBytes < collectAtBytes) return;
  floorBytes = heldBytes;
  if (collectYoung === undefined) {
    collectYoung = findCollector();
    makeRoomForWindows();
  }
  collectYoung({ type: "minor" });
}

/** The function is there in contexts that are made while the flag is set. */
function findCollector(): (options: { type: "minor" }) => void {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc");
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}

/**
 * Sets the limit of the old generation to three times what lives there. V8 itself takes a factor between 1.1 and 4, and
 * here the smallest, as the heap hardly grows: what streams hold in their windows then passes the limit of an agent,
 * of 12 MiB, again and again.
 */
function makeRoomForWindows(): void {
  setFlagsFromString("--heap-growing-percent=200");
}
