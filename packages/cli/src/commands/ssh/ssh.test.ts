import { describe, expect, test } from "vitest";
import { parseRemoteForward } from "./parse-remote-forward.ts";
import { usageAppName } from "./report-usage.ts";
import { logName } from "./session-log.ts";
import { endOf } from "./watch-workspace.ts";

describe("remote forwards", () => {
  test("ports and sockets", () => {
    expect(parseRemoteForward("8080:localhost:80")).toEqual({
      remote: { port: 8080 },
      local: { host: "localhost", port: 80 },
    });
    expect(parseRemoteForward("1:[::1]:2")).toEqual({ remote: { port: 1 }, local: { host: "::1", port: 2 } });
    expect(parseRemoteForward("/a/b:/c/d")).toEqual({ remote: { path: "/a/b" }, local: { path: "/c/d" } });
  });

  test.each(["80", "80:host", "0:h:1", "1:h:70000", "a:/b", "/a:b", ""])("%j is refused", (text) => {
    expect(() => parseRemoteForward(text)).toThrow("is not a forward");
  });
});

test("the log's name ends with the id of the process that editors know", () => {
  const now = new Date("2030-02-03T04:05:06.789Z");
  expect(logName(now, 77)).toMatch(/^coder-ssh-20300203-040506-[a-z]{5}-77\.log$/);
  expect(logName(now, undefined)).toMatch(/^coder-ssh-20300203-040506-[a-z]{5}\.log$/);
});

test("usage counts under names that the server knows", () => {
  expect(["vscode", "jetbrains", "zed", undefined, "disable"].map(usageAppName)).toEqual([
    "vscode",
    "jetbrains",
    "ssh",
    "ssh",
    undefined,
  ]);
});

test("a connection ends with the build that its agent belongs to", () => {
  type Workspace = Parameters<typeof endOf>[0];
  // Of a workspace, only these are looked at.
  const at = (id: string, transition: string, status: string) =>
    ({ name: "dev", latest_build: { id, transition, status } }) as unknown as Workspace;
  const then = at("1", "start", "running");
  expect(endOf(then, at("1", "start", "running"))).toBeUndefined();
  expect(endOf(then, at("2", "stop", "pending"))).toBeUndefined();
  expect(endOf(then, at("2", "stop", "stopping"))).toContain("is being stopped");
  expect(endOf(then, at("2", "delete", "deleting"))).toContain("is being deleted");
  expect(endOf(then, at("2", "start", "starting"))).toContain("built anew");
});
