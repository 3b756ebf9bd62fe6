import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Between two collections, several buffers of this sum have come and gone: what was read, assembled, sent. */
const collectEveryBytes = 8 * 1024 * 1024;

/** Of the process, as its heap is. */
let passedBytes = 0;
let collectYoung: ((options: { type: "minor" }) => void) | undefined;

/**
 * Counts bytes that pass through this process, and collects young garbage now and then.
 *
 * A buffer costs the heap a few dozen bytes, so that streams alone hardly ever fill the young generation; V8 notices
 * instead that 64 MiB of buffers hang on the heap, and collects all of it: 20 ms and more for every few megabytes that
 * pass, which was half of the CPU time of bulk transfers and the longest pause in front of keystrokes. Freed while they
 * are young, the same buffers cost less than a millisecond.
 */
export function countPassedBytes(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < collectEveryBytes) return;
  passedBytes = 0;
  collectYoung ??= findCollector();
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
