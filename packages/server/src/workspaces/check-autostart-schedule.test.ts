import { expect, test } from "vitest";
import { checkAutostartSchedule } from "./check-autostart-schedule.ts";

test.each([
  "30 9 * * 1-5",
  "CRON_TZ=Europe/Zurich 0 8 * * *",
  "TZ=UTC 0,30 8-18/2 * * mon-fri",
  "*/15 0 * * 0,6",
])("%s is a schedule", (schedule) => {
  expect(checkAutostartSchedule(schedule)).toBeNull();
});

test.each([
  ["", "five fields"],
  ["30 9 * *", "five fields"],
  ["CRON_TZ=Mars/Olympus 30 9 * * *", "unknown time zone"],
  ["30 9 1 * *", "repeat by week"],
  ["60 9 * * *", "minute 60"],
  ["30 24 * * *", "hour 24"],
  ["30 9 * * 8", "day of week 8"],
  ["30 9 * * fri-mon", "day of week"],
  ["*/0 9 * * *", "minute"],
])("%s is refused", (schedule, reason) => {
  expect(checkAutostartSchedule(schedule)).toContain(reason);
});
