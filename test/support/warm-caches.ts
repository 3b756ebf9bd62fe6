import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";

const template = join(import.meta.dirname, "../../examples/local");
/** Where no registry has the provider `coder/coder`, it is built from its Go module. */
const firstImportMs = 20 * 60_000;

/**
 * The first import on a machine fetches or builds what Terraform needs, which may take longer than a test waits. On a
 * machine that has imported something before, this does nothing.
 */
export default async function setup(): Promise<void> {
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
