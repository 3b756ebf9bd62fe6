import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseIgnoreRules } from "./ignore-rules.ts";
import { packDirectory } from "./pack-directory.ts";
import { checkTar, readTarFile } from "./read-tar.ts";

let base = "";
let dir = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "slipway-pack-"));
  dir = join(base, "template");
  await put({ "main.tf": "# main" });
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function put(files: Record<string, string>, root = dir): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

test("hidden files, state and tfvars stay at home; the lock file travels", async () => {
  await put({
    ".terraform.lock.hcl": "lock",
    ".env": "SECRET=1",
    ".terraform/providers/x": "binary",
    ".git/config": "git",
    "terraform.tfstate": "{}",
    "terraform.tfstate.backup": "{}",
    "errored.tfstate": "{}",
    "terraform.tfvars": "a = 1",
    "x.auto.tfvars.json": "{}",
    "modules/a/main.tf": "# a",
    "modules/a/.hidden": "no",
    "README.md": "# hi",
  });
  const packed = await packDirectory(dir);
  expect(packed.files).toEqual([".terraform.lock.hcl", "README.md", "main.tf", "modules/a/main.tf"]);
  expect(packed).toMatchObject({ hasLockFile: true, warnings: [] });
  expect(await checkTar(packed.tar)).toMatchObject({ entries: 4 });
});

test("equal content gives equal bytes", async () => {
  await put({ "b.tf": "b", "a/x.tf": "x" });
  const first = await packDirectory(dir);
  await utimes(join(dir, "b.tf"), 1, 1);
  expect((await packDirectory(dir)).tar).toEqual(first.tar);
  expect(first.hasLockFile).toBe(false);
});

test(".terraformignore is honoured, with its exceptions", async () => {
  await put({
    ".terraformignore": "# big things\n*.bin\nnode_modules/\n!keep.bin\n/docs\n",
    "a.bin": "x",
    "sub/b.bin": "x",
    "sub/keep.bin": "x",
    "sub/node_modules/p/index.js": "x",
    "docs/x.md": "x",
    "sub/docs/y.md": "y",
  });
  expect((await packDirectory(dir)).files).toEqual(["main.tf", "sub/docs/y.md", "sub/keep.bin"]);
});

test("links inside stay links; links out are packed as what they mean, with a warning", async () => {
  await put({ "x.tf": "# shared" }, join(base, "shared"));
  await put({ "secret.tfvars": "a = 1" });
  await mkdir(join(dir, "sub"));
  await symlink("../main.tf", join(dir, "sub/inside.tf"));
  await symlink("../shared", join(dir, "outside"));
  await symlink("secret.tfvars", join(dir, "smuggled.txt"));
  await symlink("nowhere", join(dir, "broken"));
  await symlink("..", join(base, "shared", "loop"));
  const packed = await packDirectory(dir);
  expect(packed.files).toContain("sub/inside.tf");
  expect((await readTarFile(packed.tar, "outside/x.tf"))?.toString()).toBe("# shared");
  expect(packed.files).not.toContain("smuggled.txt");
  expect(packed.files).not.toContain("broken");
  expect(packed.warnings.join("\n")).toMatch(/outside.*\n?[\s\S]*smuggled|smuggled[\s\S]*outside/);
  await checkTar(packed.tar);
});

test("a directory without Terraform code, and one that is too large, are refused", async () => {
  await put({ "notes.txt": "hi", "deep/x.tf": "#" }, join(base, "empty"));
  await expect(packDirectory(join(base, "empty"))).rejects.toMatchObject({ code: "not_a_template" });
  await put({ "large.bin": "x".repeat(1024 * 1024) });
  await expect(packDirectory(dir)).rejects.toMatchObject({
    code: "archive_too_large",
    message: expect.stringContaining(".terraformignore"),
  });
});

describe("ignore rules", () => {
  const cases: [rules: string, path: string, ignored: boolean][] = [
    ["foo", "foo", true],
    ["foo", "a/foo", true],
    ["foo", "foo/bar", true],
    ["/foo", "a/foo", false],
    ["foo/", "foo/bar", true],
    ["foo/*.txt", "a/foo/x.txt", true],
    ["*.txt\n!a.txt", "a.txt", false],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["a/**/z", "a/b/c/z", true],
    ["a/**/z", "a/z", true],
    ["a.b", "axb", false],
    ["", ".git/config", true],
    ["", ".terraform/providers/x", true],
    ["", ".terraform/modules/x", false],
  ];
  test.each(cases)("%j on %s", (rules, path, ignored) => {
    expect(parseIgnoreRules(rules).ignores(path, false)).toBe(ignored);
  });
});
