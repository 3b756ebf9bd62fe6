import { expect, test } from "vitest";
import { createBulkMeter } from "./bulk-meter.ts";

test("a screen drawn at once is not bulk; what goes on is, until a second after its end", () => {
  let now = 0;
  const meter = createBulkMeter(() => now);
  meter.count(100_000);
  expect(meter.isBulk).toBe(false);
  for (; now < 5_000; now += 10) meter.count(1_000_000);
  expect(meter.isBulk).toBe(true);
  now += 500;
  expect(meter.isBulk).toBe(true);
  now += 500;
  expect(meter.isBulk).toBe(false);
});

test("typing and its echo never become bulk", () => {
  let now = 0;
  const meter = createBulkMeter(() => now);
  for (; now < 60_000; now += 10) {
    meter.count(4_000);
    expect(meter.isBulk).toBe(false);
  }
});
