import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sourceStamp } from "./source-stamp.ts";

test("changes with every file that is edited, added or removed, but for tests", async () => {
  const root = await mkdtemp(join(tmpdir(), "slipway-sources-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const write = async (path: string, text: string) => {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const stamps: string[] = [];
  const take = async () => stamps.push(await sourceStamp(root));

  await write("packages/cli/src/main.ts", "first");
  await take();
  await write("packages/cli/src/main.ts", "first, edited");
  await take();
  await utimes(join(root, "packages/cli/src/main.ts"), 1, 1);
  await take();
  await write("packages/api/src/users.ts", "second");
  await take();
  await write("package-lock.json", "{}");
  await take();
  await write("examples/local/main.tf", "");
  await take();
  await rm(join(root, "packages/api/src/users.ts"));
  await take();
  expect(new Set(stamps).size).toBe(stamps.length);

  await write("packages/api/src/users.test.ts", "a test");
  await write("docs/cli.md", "a page");
  expect(await sourceStamp(root)).toBe(stamps.at(-1));
});
