import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["300ms", 300],
  ["-10m", -600_000],
  ["+2s", 2000],
  [".5s", 500],
  ["1d12h30m", 131_400_000],
  ["1y", 31_536_000_000],
  ["876600h", 3_155_760_000_000],
  ["0", 0],
  ["0s", 0],
  ["100µs", 0.1],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "-", "1", "h", "1h30", "1 h", "1w", "1h 30m", "1e3s", "--1h", "NaNs"])(
  "%j is not a duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  [0, "0s"],
  [5_400_000, "1h30m0s"],
  [604_800_000, "168h0m0s"],
  [61_500, "1m1.5s"],
  [1500, "1.5s"],
  [300, "300ms"],
  [0.1, "100µs"],
  [-600_000, "-10m0s"],
])("%d ms is written %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("what is written can be read again", () => {
  fc.assert(
    fc.property(fc.integer({ min: -3_155_760_000, max: 3_155_760_000 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6);
    }),
  );
});
