import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCoder } from "../testing/run-coder.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "dotfiles-test-"));
  mkdirSync(join(dir, "home"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function repository(files: Record<string, string>): string {
  const path = join(dir, "repo");
  if (!existsSync(path)) execFileSync("git", ["init", "-q", "-b", "main", path]);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", path, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args]);
  git("add", "-A");
  git("commit", "-q", "-m", "files");
  return path;
}
const dotfiles = (...args: string[]) =>
  runCoder(["dotfiles", ...args], { HOME: join(dir, "home"), CODER_CONFIG_DIR: join(dir, "config") });

test("links dot-files, keeps what was there, and brings updates on the next run", async () => {
  const repo = repository({ ".zshrc": "one", ".config/app.toml": "x", "README.md": "no" });
  writeFileSync(join(dir, "home/.zshrc"), "mine");
  const first = await dotfiles("--yes", repo);
  expect(first).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(join(dir, "home/.zshrc"), "utf8")).toBe("one");
  expect(readFileSync(join(dir, "home/.zshrc.bak"), "utf8")).toBe("mine");
  expect(readlinkSync(join(dir, "home/.config"))).toBe(join(dir, "config/dotfiles/.config"));
  expect(existsSync(join(dir, "home/README.md"))).toBe(false);
  expect(existsSync(join(dir, "home/.git"))).toBe(false);
  expect(readFileSync(join(dir, "config/dotfilesurl"), "utf8")).toBe(repo);

  repository({ ".zshrc": "two", ".vimrc": "new" });
  expect((await dotfiles("-y", repo)).code).toBe(0);
  expect(readFileSync(join(dir, "home/.zshrc"), "utf8")).toBe("two");
  expect(lstatSync(join(dir, "home/.vimrc")).isSymbolicLink()).toBe(true);
  expect(existsSync(join(dir, "home/.zshrc.bak.2"))).toBe(false);
});

test("runs the install script instead, and fails with its status", async () => {
  const repo = repository({ "install.sh": 'echo ran in "$PWD" >"$HOME/ran"; exit 7\n', ".zshrc": "x" });
  const ran = await dotfiles("-y", repo);
  expect(ran.code).toBe(7);
  expect(readFileSync(join(dir, "home/ran"), "utf8")).toContain("config/dotfiles");
  expect(existsSync(join(dir, "home/.zshrc"))).toBe(false);
});

test("another branch, another directory", async () => {
  const repo = repository({ ".a": "main" });
  execFileSync("git", ["-C", repo, "checkout", "-q", "-b", "work"]);
  repository({ ".a": "work" });
  execFileSync("git", ["-C", repo, "checkout", "-q", "main"]);
  for (let run = 0; run < 2; run++) {
    const ran = await dotfiles("-y", "--branch", "work", "--symlink-dir", join(dir, "links"), repo);
    expect(ran.code).toBe(0);
  }
  expect(readFileSync(join(dir, "links/.a"), "utf8")).toBe("work");
});

test("names that look like options or commands stay names", async () => {
  for (const name of [`--upload-pack=touch ${join(dir, "owned")}`, `$(touch ${join(dir, "owned")})`]) {
    const ran = await dotfiles("-y", "--", name);
    expect(ran.code).toBe(1);
    expect(existsSync(join(dir, "owned"))).toBe(false);
  }
});

test("without a terminal and without --yes nothing is touched", async () => {
  const ran = await dotfiles(repository({ ".a": "x" }));
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("--yes");
  expect(existsSync(join(dir, "home/.a"))).toBe(false);
});
