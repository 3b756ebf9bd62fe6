import { expect, test } from "vitest";
import { describeAutostart, parseAutostart } from "./autostart-schedule.ts";

test.each([
  [
    "9:30AM Mon-Fri Europe/Dublin",
    "CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri",
    "9:30AM Mon-Fri (Europe/Dublin)",
  ],
  ["17:00", "CRON_TZ=UTC 0 17 * * *", "5:00PM daily (UTC)"],
  ["12:05am 1,3,5", "CRON_TZ=UTC 5 0 * * 1,3,5", "12:05AM 1,3,5 (UTC)"],
  ["12:00pm America/New_York", "CRON_TZ=America/New_York 0 12 * * *", "12:00PM daily (America/New_York)"],
])("%s", (text, schedule, shown) => {
  expect(parseAutostart(text, "UTC")).toBe(schedule);
  expect(describeAutostart(schedule)).toBe(shown);
});

test.each([
  ["9", '"9" is not a time'],
  ["25:00", "is not a time of day"],
  ["13:00pm", "is not a time of day"],
  ["9:30 noday", '"noday" does not name days'],
  ["9:30 Mon Mars/Crater", "is not a time zone"],
  ["9:30 Mon UTC now", '"now" is too much'],
])("%s is refused", (text, reason) => {
  expect(() => parseAutostart(text, "UTC")).toThrow(reason);
});

test("a schedule of another form is shown as it is", () => {
  expect(describeAutostart("*/5 9 * * 1")).toBe("*/5 9 * * 1");
  expect(describeAutostart(undefined)).toBe("");
});
