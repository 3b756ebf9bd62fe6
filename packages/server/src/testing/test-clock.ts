import type { Clock } from "../deps.ts";

/** The real time, until a test moves it. */
export type TestClock = Clock & { advance(ms: number): void };

export function createTestClock(): TestClock {
  let offsetMs = 0;
  return {
    now: () => new Date(Date.now() + offsetMs),
    advance(ms) {
      offsetMs += ms;
    },
  };
}
