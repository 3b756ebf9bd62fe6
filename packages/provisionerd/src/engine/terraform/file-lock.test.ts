import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withFileLock } from "./file-lock.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-lock-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));
const signal = new AbortController().signal;

describe("withFileLock", () => {
  test("lets one in at a time", async () => {
    const file = join(dir, "lock");
    let inside = 0;
    let most = 0;
    const work = () =>
      withFileLock(file, signal, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 5 }, work));
    expect(most).toBe(1);
  });

  test("takes over from an owner that died, also when its pid is in use again", async () => {
    const gone = spawnSync(process.execPath, ["-p", "process.pid"]).stdout.toString().trim();
    const file = join(dir, "lock");
    for (const owner of [`${gone} 12345`, `${process.pid} 1`]) {
      await writeFile(file, owner);
      expect(await withFileLock(file, signal, async () => "mine")).toBe("mine");
    }
  });

  test("of an owner in another container holds while it shows signs of life", async () => {
    const file = join(dir, "lock");
    const owner = "1 4711 pid:[1]";
    await writeFile(file, owner);
    const controller = new AbortController();
    const owners: number[] = [];
    const waiting = withFileLock(
      file,
      controller.signal,
      async () => "mine",
      (pid) => {
        owners.push(pid);
        controller.abort();
      },
    );
    await expect(waiting).rejects.toThrow();
    expect([owners, await readFile(file, "utf8")]).toEqual([[1], owner]);
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(file, minuteAgo, minuteAgo);
    expect(await withFileLock(file, signal, async () => "mine")).toBe("mine");
  });

  test("of an owner on another host holds although a process of that pid began here at another time", async () => {
    const file = join(dir, "lock");
    const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
    const owner = `${process.pid} 1 ${namespace} another-boot`;
    await writeFile(file, owner);
    const controller = new AbortController();
    const waiting = withFileLock(
      file,
      controller.signal,
      async () => "mine",
      () => controller.abort(),
    );
    await expect(waiting).rejects.toThrow();
    expect(await readFile(file, "utf8")).toBe(owner);
  });

  test("whoever was taken for dead leaves the lock of its successor alone", async () => {
    const file = join(dir, "lock");
    await withFileLock(file, signal, () => writeFile(file, "1 4711 pid:[1]"));
    expect(await readFile(file, "utf8")).toBe("1 4711 pid:[1]");
  });

  test("gives up when it is told to, and leaves the owner's lock alone", async () => {
    const file = join(dir, "lock");
    const controller = new AbortController();
    await withFileLock(file, signal, async () => {
      const waiting = withFileLock(file, controller.signal, async () => "never");
      controller.abort();
      await expect(waiting).rejects.toThrow();
    });
    expect(await withFileLock(file, signal, async () => "free")).toBe("free");
  });
});
