import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isOwnAddress, splitTag } from "./docker-engine.ts";
import { localUsername } from "./ensure-session.ts";
import { isRunning, processIdentity } from "./process-identity.ts";
import { commandLine } from "./up.ts";
import { withLock } from "./with-lock.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-up-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const never = { signal: new AbortController().signal, onWait: () => {} };

describe("the lock", () => {
  test("lets one in at a time", async () => {
    const path = join(dir, "one");
    let inside = 0;
    const enter = () =>
      withLock(path, never, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    await Promise.all([enter(), enter(), enter()]);
    expect(await readdir(dir)).toEqual([]);
  });

  test("is taken over from the dead, also when their id is in use again", async () => {
    const path = join(dir, "two");
    const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    await once(child, "exit");
    for (const owner of [`${child.pid}:whenever`, `${process.pid}:an-earlier-boot`]) {
      await symlink(owner, path);
      expect(await withLock(path, never, async () => "mine")).toBe("mine");
    }
  });

  test("says whom it waits for, and can be given up", async () => {
    const path = join(dir, "three");
    await withLock(path, never, async () => {
      const stop = new AbortController();
      const waiting = withLock(
        path,
        { signal: stop.signal, onWait: (pid) => stop.abort(new Error(`pid ${pid}`)) },
        async () => {},
      );
      await expect(waiting).rejects.toThrow(`pid ${process.pid}`);
    });
  });
});

test("a process is known for good: an id that is used again is another process", () => {
  const me = processIdentity(process.pid);
  expect(me).toMatch(new RegExp(`^${process.pid}:`));
  expect(isRunning(me ?? "")).toBe(true);
  expect(isRunning(`${process.pid}:other`)).toBe(false);
  expect(isRunning("nonsense")).toBe(false);
});

test.each([
  ["Ada.Lovelace", "ada-lovelace"],
  ["root", "root"],
  ["--x--", "x"],
  ["", "dev"],
  ["me", "dev"],
  ["ÄÖÜ", "dev"],
  ["a".repeat(50), "a".repeat(32)],
])("the account %j is the user %j", (account, username) => {
  expect(localUsername(account)).toBe(username);
});

test.each([
  ["a", ["a", "latest"]],
  ["a:1", ["a", "1"]],
  ["host:5000/a", ["host:5000/a", "latest"]],
  ["host:5000/a:1", ["host:5000/a", "1"]],
])("the image %j has the tag %j", (name, parts) => {
  expect(splitTag(name)).toEqual(parts);
});

test("an address is this machine's when it can be listened on", async () => {
  expect(await isOwnAddress("127.0.0.1")).toBe(true);
  // For documentation only: RFC 5737.
  expect(await isOwnAddress("192.0.2.1")).toBe(false);
});

test("one word is a command line, several are a program and its arguments", () => {
  expect(commandLine([])).toBe("");
  expect(commandLine(["echo hi | wc"])).toBe("echo hi | wc");
  expect(commandLine(["sh", "-c", "exit 3"])).toBe("sh -c 'exit 3'");
  expect(commandLine(["echo", "it's"])).toBe(`echo 'it'\\''s'`);
});
