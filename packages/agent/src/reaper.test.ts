import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { REAPER } from "./reaper.ts";

/** The shell that becomes process 1, around a program that stands in for the agent. */
function reaper(program: string) {
  const argv = ["-c", REAPER, "sh", process.execPath, "-e", program];
  const child = spawn("/bin/sh", argv, { stdio: ["ignore", "pipe", "ignore"] });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  return { child, exit, ready };
}

test("the agent's exit status is passed on", async () => {
  expect(await reaper("process.exit(7)").exit).toBe(7);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s reaches the agent, which may take its time to end",
  async (name) => {
    const { child, exit, ready } = reaper(
      `process.on("${name}", () => setTimeout(() => process.exit(5), 100)); setInterval(() => {}, 1000); console.log("up")`,
    );
    await ready;
    child.kill(name);
    expect(await exit).toBe(5);
  },
);
