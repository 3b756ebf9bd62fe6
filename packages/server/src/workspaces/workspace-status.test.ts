import { expect, test } from "vitest";
import { workspaceStatus } from "./workspace-status.ts";

test.each([
  ["start", "pending", "pending"],
  ["start", "running", "starting"],
  ["start", "succeeded", "running"],
  ["stop", "running", "stopping"],
  ["stop", "succeeded", "stopped"],
  ["delete", "running", "deleting"],
  ["delete", "succeeded", "deleted"],
  ["stop", "canceling", "canceling"],
  ["start", "canceled", "canceled"],
  ["delete", "failed", "failed"],
] as const)("%s with its job %s is %s", (transition, job, status) => {
  expect(workspaceStatus(transition, job)).toBe(status);
});
