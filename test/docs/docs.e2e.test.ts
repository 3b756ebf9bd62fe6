import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coderCommand } from "../harness/coder-process.ts";
import { type CoderServer, sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { commandsOf, paste } from "../harness/paste-commands.ts";
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

describe("the commands of", () => {
  for (const page of [
    "first-workspace.md",
    "templates.md",
    "parameters.md",
    "cli.md",
    "tags.md",
    "provisioners.md",
  ]) {
    test(page, async () => {
      const commands = await commandsOf(page);
      expect(commands.length).toBeGreaterThan(0);
      const cwd = await mkdtemp(join(root, "page-"));
      await mkdir(join(root, ".ssh"), { recursive: true });
      const env = { ...server.clientEnv, HOME: root, CODER_CACHE_DIRECTORY: sharedCacheDir };
      await paste(commands, { cwd, env, binDir: join(root, "bin") });
    });
  }

  test("install.md", async () => {
    const commands = await commandsOf("install.md");
    const env = { HOME: root, SLIPWAY_UP_DIR: join(root, "up"), CODER_CACHE_DIRECTORY: sharedCacheDir };
    const { stdout } = await paste(commands, { cwd: repository, env, binDir: join(root, "bin") });
    expect(stdout).toContain("hello from a workspace");
  });

  test("encryption.md", async () => {
    await using cleanup = new AsyncDisposableStack();
    const own = await startCoderServer({ postgres: "embedded", env: { CODER_PROVISIONER_DAEMONS: "0" } });
    cleanup.defer(() => own.close());
    const keyFile = join(own.configDir, "encryption.key");
    const former = await readFile(keyFile, "utf8");
    await own.stop();
    const env = { CODER_CONFIG_DIR: own.configDir, CODER_CACHE_DIRECTORY: sharedCacheDir };
    await paste(await commandsOf("encryption.md"), { cwd: repository, env, binDir: join(root, "bin") });
    const present = await readFile(keyFile, "utf8");
    expect(present).not.toBe(former);
    // With the key from before it does not start, and names what is missing.
    await writeFile(keyFile, former);
    await expect(own.start()).rejects.toThrow(/encrypted with the key \w{14}, which is missing/);
    await writeFile(keyFile, present);
    await own.start();
  });

  test("no other page, but for those about developing", async () => {
    const pages = (await readdir(docs)).filter((name) => name.endsWith(".md"));
    const known = [
      "first-workspace.md",
      "templates.md",
      "parameters.md",
      "cli.md",
      "tags.md",
      "provisioners.md",
      "install.md",
      "encryption.md",
    ];
    // Containers, clusters and other machines are made by containers.e2e.test.ts.
    const elsewhere = ["docker", "kubernetes"].flatMap((way) => [
      `server-${way}.md`,
      `provisioner-${way}.md`,
    ]);
    for (const page of pages.filter(
      (name) => ![...known, ...elsewhere, "provisioner-vm.md"].includes(name),
    )) {
      expect(await commandsOf(page), page).toEqual([]);
    }
    // These two are what this very run was started with, and what the suite of `up` starts.
    expect(await commandsOf("../README.md")).toEqual(["./coder up\n", "npm test\n"]);
  });
});
