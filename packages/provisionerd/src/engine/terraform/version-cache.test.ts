import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVersionCache, type VersionKey } from "./version-cache.ts";

const key: VersionKey = {
  archiveHash: "a",
  modulesHash: "",
  lockFile: "",
  engine: "terraform 1.11.4",
  mirrorDigest: "m",
};
const info = { lockFile: "locked", sensitiveVariables: ["password"] };
let scratch: string;
let root: string;
let source: string;
let warnings: string[];

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "slipway-cache-"));
  root = join(scratch, "versions");
  source = join(scratch, "source");
  warnings = [];
  await mkdir(join(source, ".terraform"), { recursive: true });
  await writeFile(join(source, "main.tf"), "# template");
  await writeFile(join(source, "run.sh"), "#!/bin/sh", { mode: 0o755 });
  await symlink("/mirror/provider", join(source, ".terraform", "provider"));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const cache = (maxBytes?: number) =>
  createVersionCache(root, {
    ...(maxBytes === undefined ? {} : { maxBytes }),
    warn: (text) => warnings.push(text),
  });

describe("the version cache", () => {
  test("gives a copy with everything in it, and what is known of it", async () => {
    await cache().add(key, source, info);
    expect(await cache().checkOut(key, join(scratch, "job"))).toEqual(info);
    expect(await readFile(join(scratch, "job", "main.tf"), "utf8")).toBe("# template");
    expect((await readdir(join(scratch, "job", ".terraform"))).sort()).toEqual(["provider"]);
  });

  test("misses when the archive, its modules, the lock, the engine or the mirror is another", async () => {
    await cache().add(key, source, info);
    for (const other of [
      { archiveHash: "b" },
      { modulesHash: "b" },
      { lockFile: "x" },
      { engine: "tofu" },
      { mirrorDigest: "n" },
    ]) {
      expect(await cache().checkOut({ ...key, ...other }, join(scratch, "job"))).toBeNull();
    }
  });

  test("a tree that somebody changed is dropped and never handed out", async () => {
    await cache().add(key, source, info);
    const [entry = ""] = (await readdir(root)).filter((name) => !name.startsWith("."));
    await writeFile(join(root, entry, "tree", "main.tf"), "# poisoned");
    expect(await cache().checkOut(key, join(scratch, "job"))).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(await readdir(root)).toEqual([]);
    await expect(readdir(join(scratch, "job"))).rejects.toThrow();
  });

  test("an entry that lost its description, as by a power cut, is made anew and hinders no other", async () => {
    await cache().add(key, source, info);
    const [entry = ""] = (await readdir(root)).filter((name) => !name.startsWith("."));
    for (const text of ["", '{"digest":']) {
      await writeFile(join(root, entry, "entry.json"), text);
      expect(await cache().checkOut(key, join(scratch, "job"))).toBeNull();
      await cache().add({ ...key, archiveHash: "b" }, source, info);
      await cache().add(key, source, info);
      expect(await cache().checkOut(key, join(scratch, "job"))).toEqual(info);
      await rm(join(scratch, "job"), { recursive: true });
    }
  });

  test("is bounded: the least recently used go first", async () => {
    for (const archiveHash of ["a", "b", "c"]) await cache(25).add({ ...key, archiveHash }, source, info);
    expect(await cache().checkOut({ ...key, archiveHash: "a" }, join(scratch, "one"))).toBeNull();
    expect(await cache().checkOut({ ...key, archiveHash: "c" }, join(scratch, "two"))).toEqual(info);
  });

  test("what a killed daemon left half made goes, what is being made stays", async () => {
    for (const name of [".left", ".in-work"]) await mkdir(join(root, name, "tree"), { recursive: true });
    const longAgo = new Date("2020-01-01");
    await utimes(join(root, ".left"), longAgo, longAgo);
    await cache().add(key, source, info);
    expect((await readdir(root)).filter((name) => name.startsWith("."))).toEqual([".in-work"]);
  });

  test("two who add the same at once both succeed", async () => {
    await Promise.all([cache().add(key, source, info), cache().add(key, source, info)]);
    expect(await cache().checkOut(key, join(scratch, "job"))).toEqual(info);
  });
});
