import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type BinaryFile, cachedBinary, keepInUse } from "./binary-file.ts";
import { shippedBinary } from "./shipped-binary.ts";

test("what was replaced long ago, or left half made, makes room for what is new", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "slipway-binaries-"));
  onTestFinished(() => rm(cacheDir, { recursive: true, force: true }));
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
  const older = async (name: string, hours: number) => {
    const dir = join(cacheDir, "coder", name);
    await mkdir(dir, { recursive: true });
    await utimes(dir, hoursAgo(hours), hoursAgo(hours));
    return dir;
  };
  const inUse = await older("aaaa", 24);
  const replaced = await older("bbbb", 24 * 8);
  const unfinished = await older("cccc.0123", 2);
  const inTheMaking = await older("dddd.4567", 0);

  const file = await cachedBinary({ cacheDir, name: "coder", digest: "eeee", compress: false }, (path) =>
    writeFile(path, "program"),
  );
  expect([file.path, inUse, inTheMaking, replaced, unfinished].map((path) => existsSync(path))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("of what was replaced lately, what was used last stays", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "slipway-binaries-"));
  onTestFinished(() => rm(cacheDir, { recursive: true, force: true }));
  const make = async (digest: string, minutes: number) => {
    const write = (path: string) => writeFile(path, digest);
    const file = await cachedBinary({ cacheDir, name: "coder", digest, compress: false }, write);
    const used = new Date(Date.now() - minutes * 60_000);
    await utimes(dirname(file.path), used, used);
    return file;
  };
  const files: BinaryFile[] = [];
  for (let each = 0; each < 6; each++) files.push(await make(`digest${each}`, 60 - each));
  // Another server serves the oldest that is left.
  const [gone, served, ...others] = files;
  if (!served) throw new Error("It was made above.");
  await keepInUse(served);
  const newest = await make("digest6", 0);
  const isThere = (file: BinaryFile | undefined) => existsSync(file?.path ?? "");
  expect([gone, served, ...others, newest].map(isThere)).toEqual([
    false,
    true,
    false,
    true,
    true,
    true,
    true,
  ]);
});

test("what an image brings is served as it was made there", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-binaries-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const made = await cachedBinary({ cacheDir: dir, name: "coder", digest: "aaaa", compress: true }, (path) =>
    writeFile(path, "program"),
  );
  expect(await shippedBinary("coder", dir)).toEqual(made);
  expect(await shippedBinary("coder-for-another-platform", dir)).toBeNull();
});
