import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cliConfigText, writeCliConfig } from "./cli-config.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-cli-config-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("daemons of the same pid, in containers that share a cache, write it at once", async () => {
  const config = { mirrors: ["/mirror"] };
  const files = new Set(await Promise.all(Array.from({ length: 20 }, () => writeCliConfig(dir, config))));
  const [file = ""] = files;
  expect(await readdir(dir)).toEqual([basename(file)]);
  expect(await readFile(file, "utf8")).toBe(cliConfigText(config));
});
