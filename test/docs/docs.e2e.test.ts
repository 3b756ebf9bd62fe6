import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, coderCommand, finished } from "../harness/coder-process.ts";
import { type CoderServer, sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { removeData } from "../harness/remove-data.ts";

// Every block that is marked `sh` is a command that a reader may paste. Here they are pasted, page by page, one after
// the other, into one shell. What needs a terminal or somebody else's server is marked `text` and says so.

const repository = join(import.meta.dirname, "../..");
const docs = join(repository, "docs");

let server: CoderServer;
let root: string;

beforeAll(async () => {
  server = await startCoderServer();
  root = await mkdtemp(join(tmpdir(), "slipway-docs-"));
  const bin = join(root, "bin");
  await mkdir(bin);
  const program = (name: string, line: string) =>
    writeFile(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  await program("coder", `exec ${coderCommand.join(" ")} "$@"`);
  // OpenSSH takes the home directory from the account, not from HOME.
  for (const name of ["ssh", "scp"]) await program(name, `exec /usr/bin/${name} -F "$HOME/.ssh/config" "$@"`);
});

afterAll(async () => {
  await server.close();
  await removeData(root, join(root, "up/config"));
});

/** The text of all blocks of a page that are marked as commands. */
function commandsOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm), (match) => match[1] ?? "");
}

async function paste(commands: readonly string[], cwd: string, env: Record<string, string>) {
  const script = `set -euo pipefail\nset -x\n${commands.join("\n")}`;
  const child = spawn("bash", ["-c", script], {
    cwd,
    env: { ...cleanEnvironment(), ...env, HOME: root, PATH: `${join(root, "bin")}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = await finished(child);
  expect(result, result.stderr.slice(-4000)).toMatchObject({ code: 0 });
  return result;
}

describe("the commands of", () => {
  for (const page of ["first-workspace.md", "templates.md", "cli.md", "tags.md"]) {
    test(page, async () => {
      const commands = commandsOf(await readFile(join(docs, page), "utf8"));
      expect(commands.length).toBeGreaterThan(0);
      const cwd = await mkdtemp(join(root, "page-"));
      await mkdir(join(root, ".ssh"), { recursive: true });
      await paste(commands, cwd, { ...server.clientEnv, CODER_CACHE_DIRECTORY: sharedCacheDir });
    });
  }

  test("install.md", async () => {
    const commands = commandsOf(await readFile(join(docs, "install.md"), "utf8"));
    const env = { SLIPWAY_UP_DIR: join(root, "up"), CODER_CACHE_DIRECTORY: sharedCacheDir };
    const { stdout } = await paste(commands, repository, env);
    expect(stdout).toContain("hello from a workspace");
  });

  test("no other page, but for those about developing", async () => {
    const pages = (await readdir(docs)).filter((name) => name.endsWith(".md"));
    const known = ["first-workspace.md", "templates.md", "cli.md", "tags.md", "install.md"];
    for (const page of pages.filter((name) => !known.includes(name))) {
      expect(commandsOf(await readFile(join(docs, page), "utf8")), page).toEqual([]);
    }
    // These two are what this very run was started with, and what the suite of `up` starts.
    expect(commandsOf(await readFile(join(repository, "README.md"), "utf8"))).toEqual([
      "./coder up\n",
      "npm test\n",
    ]);
  });
});
