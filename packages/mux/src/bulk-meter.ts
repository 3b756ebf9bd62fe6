/** What a terminal shows in a moment, such as a screen of an editor drawn anew, is not bulk yet. */
const allowanceBytes = 128 * 1024;
/** More than people read, and less than a transfer moves. */
const leakBytesPerMs = 1024;
/** A transfer that has ended counts as one for this much longer, at the rate above: about a second. */
const maxLevelBytes = 1024 * 1024;

export type BulkMeter = {
  count(bytes: number): void;
  readonly isBulk: boolean;
};

/**
 * Tells a stream of keystrokes and their echo from one that moves files, by its rate: both are SSH, and both ask for
 * priority.
 */
export function createBulkMeter(nowMs: () => number): BulkMeter {
  let levelBytes = 0;
  let lastMs = nowMs();
  function leak(): void {
    const now = nowMs();
    levelBytes = Math.max(0, levelBytes - (now - lastMs) * leakBytesPerMs);
    lastMs = now;
  }
  return {
    count(bytes) {
      leak();
      levelBytes = Math.min(maxLevelBytes, levelBytes + bytes);
    },
    get isBulk() {
      leak();
      return levelBytes > allowanceBytes;
    },
  };
}
