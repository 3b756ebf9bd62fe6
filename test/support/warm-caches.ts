import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { binaryMadeBefore } from "../../packages/cli/src/binaries/binary-made-before.ts";
import { executableTargets, librariesName } from "../../packages/cli/src/binaries/executable-targets.ts";
import { sourceStamp } from "../../packages/cli/src/binaries/source-stamp.ts";
import { sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";

const binaries = join(import.meta.dirname, "../../packages/cli/src/binaries");
const programs = join(import.meta.dirname, "../../node_modules/.slipway/test-programs");
const template = join(import.meta.dirname, "../../examples/local");
/** Where no registry has the provider `coder/coder`, it is built from its Go module. */
const firstImportMs = 20 * 60_000;

/**
 * What the tests need of the machine beyond the sources, made once: each of the first servers would make it for itself.
 * Where nothing has changed since the last run, this does nothing.
 */
export default async function setup(): Promise<void> {
  const stamp = await sourceStamp();
  process.env.SLIPWAY_TEST_PROGRAM = await bundledProgram(stamp);
  await makeExecutables(stamp);
  await importFirstTemplate();
}

/** What the tests start, by `coder-process.ts`. */
async function bundledProgram(stamp: string): Promise<string> {
  const directory = join(programs, stamp);
  if (!existsSync(directory)) {
    await rm(programs, { recursive: true, force: true });
    await runSource("build-program.ts", directory);
  }
  return join(directory, "main.mjs");
}

/** Workspaces run them: ten seconds of a processor after each change of the sources. */
async function makeExecutables(stamp: string): Promise<void> {
  const target = executableTargets.find(
    ({ os, npmArch }) => os === process.platform && npmArch === process.arch,
  );
  if (target === undefined) return;
  const cacheDir = join(sharedCacheDir, "binaries");
  for (const name of [target.name, librariesName(target)]) {
    if ((await binaryMadeBefore(cacheDir, name, stamp)) !== null) continue;
    await runSource("build-binary.ts", name, cacheDir);
  }
}

async function runSource(name: string, ...args: string[]): Promise<void> {
  const main = join(binaries, name);
  await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args]);
}

/** The first import on a machine fetches or builds what Terraform needs, which may take longer than a test waits. */
async function importFirstTemplate(): Promise<void> {
  const versions = join(sharedCacheDir, "provisioner/versions");
  if ((await readdir(versions).catch(() => [])).length > 0) return;
  const server = await startCoderServer();
  try {
    const push = ["templates", "push", "local", "--directory", template, "--yes"];
    const { code, stderr } = await server.coder(push, { timeoutMs: firstImportMs });
    if (code !== 0) throw new Error(`The first import on this machine failed:\n${stderr}\n${server.log()}`);
  } finally {
    await server.close();
  }
}
