import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { binaryMadeBefore } from "../../packages/cli/src/binaries/binary-made-before.ts";
import { executableTargets, librariesName } from "../../packages/cli/src/binaries/executable-targets.ts";
import { sourceStamp } from "../../packages/cli/src/binaries/source-stamp.ts";
import { sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";

const builder = join(import.meta.dirname, "../../packages/cli/src/binaries/build-binary.ts");
const template = join(import.meta.dirname, "../../examples/local");
/** Where no registry has the provider `coder/coder`, it is built from its Go module. */
const firstImportMs = 20 * 60_000;

/**
 * What the tests need of the machine beyond the sources, made once: each of the first servers would make it for itself.
 * Where nothing has changed since the last run, this does nothing.
 */
export default async function setup(): Promise<void> {
  await makeExecutables();
  await importFirstTemplate();
}

/** Workspaces run them: ten seconds of a processor after each change of the sources. */
async function makeExecutables(): Promise<void> {
  const target = executableTargets.find(
    ({ os, npmArch }) => os === process.platform && npmArch === process.arch,
  );
  if (target === undefined) return;
  const cacheDir = join(sharedCacheDir, "binaries");
  const stamp = await sourceStamp();
  for (const name of [target.name, librariesName(target)]) {
    if ((await binaryMadeBefore(cacheDir, name, stamp)) !== null) continue;
    await promisify(execFile)(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      builder,
      name,
      cacheDir,
    ]);
  }
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
