import { expect, test } from "vitest";
import { buildPriority, prebuildsUserId } from "./job-priority.ts";

test("people's builds are before those of schedules, and those before prebuilds", () => {
  const order = [
    { initiatorId: "somebody", reason: "ssh_connection" },
    { initiatorId: "somebody", reason: "autostart" },
    { initiatorId: prebuildsUserId, reason: "initiator" },
  ].map(buildPriority);
  expect(order).toEqual(order.toSorted());
  expect(new Set(order).size).toBe(3);
  expect(buildPriority({ initiatorId: "somebody", reason: "initiator" })).toBe(order[0]);
});
