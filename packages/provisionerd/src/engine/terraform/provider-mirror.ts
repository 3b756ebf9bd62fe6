import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Both registries: OpenTofu resolves `coder/coder` to its own host (engine.md §2). */
export const REGISTRY_HOSTS = ["registry.terraform.io", "registry.opentofu.org"] as const;

export type ProviderVersion = { namespace: string; type: string; version: string; platform: string };

/** Where the program of a provider lies in a mirror of the unpacked layout. */
export function providerPath(mirror: string, host: string, provider: ProviderVersion): string {
  const { namespace, type, version, platform } = provider;
  return join(mirror, host, namespace, type, version, platform, `terraform-provider-${type}_v${version}`);
}

/**
 * Puts a program into the mirror under both registries, by hard links: a directory that is a symbolic link
 * is silently not searched. A program appears whole or not at all.
 */
export async function addToMirror(mirror: string, provider: ProviderVersion, program: string): Promise<void> {
  for (const host of REGISTRY_HOSTS) {
    const target = providerPath(mirror, host, provider);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const partial = join(mirror, `.${process.pid}-${provider.type}.part`);
    await rm(partial, { force: true });
    // Another file system, or one without links: a copy serves as well.
    await link(program, partial).catch(() => copyFile(program, partial));
    await rename(partial, target);
    await rm(partial, { force: true });
  }
}

/** A digest of what the mirrors offer, by name, size and time: part of the key under which an init is kept. */
export async function mirrorDigest(mirrors: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const mirror of mirrors) {
    hash.update(`${mirror}\n`);
    for (const line of (await listFiles(mirror, 6)).sort()) hash.update(`${line}\n`);
  }
  return hash.digest("hex");
}

// host / namespace / type / version / platform / program, or packed archives beside the versions.
async function listFiles(dir: string, depth: number): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const lines = await Promise.all(
    entries.map(async (entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory() && depth > 1) return listFiles(path, depth - 1);
      const found = entry.name.startsWith(".") ? null : await stat(path, { bigint: true }).catch(() => null);
      return found === null ? [] : [`${path} ${found.size} ${found.mtimeNs}`];
    }),
  );
  return lines.flat();
}
