import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TemplateError } from "../template-error.ts";
import { extractTar } from "./extract-tar.ts";
import { writeTar } from "./write-tar.ts";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "slipway-extract-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const file = (path: string, text: string, mode = 0o644) =>
  ({ path, type: "file", data: Buffer.from(text), mode }) as const;

test("files, modes and inner links arrive; the directory is private", async () => {
  const dir = join(base, "new", "work");
  const large = "x".repeat(3 * 1024 * 1024);
  await extractTar(
    await writeTar([
      file("main.tf", "# main"),
      file("build/run.sh", "#!/bin/sh\n", 0o4755),
      file("large.bin", large),
      { path: "build/main", type: "symlink", linkTarget: "../main.tf" },
    ]),
    dir,
  );
  expect(await readFile(join(dir, "build/main"), "utf8")).toBe("# main");
  expect(await readlink(join(dir, "build/main"))).toBe("../main.tf");
  expect((await readFile(join(dir, "large.bin"))).length).toBe(large.length);
  expect((await stat(dir)).mode & 0o7777).toBe(0o700);
  expect((await stat(join(dir, "build/run.sh"))).mode & 0o7777).toBe(0o755);
  expect((await stat(join(dir, "main.tf"))).mode & 0o7777).toBe(0o644);
});

test("nothing is written of an archive that is bad at its end", async () => {
  const dir = join(base, "work");
  const archive = await writeTar([file("main.tf", "# main"), file("../z.tf", "out")]);
  await expect(extractTar(archive, dir)).rejects.toThrow(TemplateError);
  expect(await readdir(base)).toEqual([]);
});

test("a directory with files in it is left alone", async () => {
  await writeFile(join(base, "kept"), "kept");
  const archive = await writeTar([file("kept", "replaced")]);
  await expect(extractTar(archive, base)).rejects.toMatchObject({ code: "directory_not_empty" });
  expect(await readFile(join(base, "kept"), "utf8")).toBe("kept");
});
