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

/** So many versions of a provider are kept: workspaces that wait for long are built by the version of their lock. */
const MAX_VERSIONS = 5;

/**
 * Removes the versions of a provider that were used longest ago, beyond five; `current` always stays. To be called by
 * whoever builds that provider alone. Returns what it removed.
 */
export async function removeOldVersions(mirror: string, current: ProviderVersion): Promise<string[]> {
  const { namespace, type } = current;
  const usedMs = new Map<string, number>();
  const homes = REGISTRY_HOSTS.map((host) => join(mirror, host, namespace, type));
  for (const home of homes) {
    for (const version of await readdir(home).catch(() => [])) {
      // `touchProviders` sets the time of the platform's directory.
      const times = await Promise.all(
        (await readdir(join(home, version)).catch(() => [])).map(async (platform) => {
          return (await stat(join(home, version, platform)).catch(() => null))?.mtimeMs ?? 0;
        }),
      );
      usedMs.set(version, Math.max(usedMs.get(version) ?? 0, ...times));
    }
  }
  usedMs.set(current.version, Number.POSITIVE_INFINITY);
  const oldest = [...usedMs].sort(([, a], [, b]) => b - a).slice(MAX_VERSIONS);
  for (const [version] of oldest) {
    for (const home of homes) await rm(join(home, version), { recursive: true, force: true });
  }
  return oldest.map(([version]) => version);
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
