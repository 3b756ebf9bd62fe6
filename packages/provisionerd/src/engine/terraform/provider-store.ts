import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

const UNUSED_FOR_MS = 30 * 24 * 3_600_000;
// host / namespace / type / version / platform: the layout of `.terraform/providers` and of a store alike.
const LEVELS = 5;

/**
 * Notes that the providers to which a template's `.terraform` links are used now. False when one of them is gone: the
 * template has to be initialized again.
 */
export async function touchProviders(tree: string): Promise<boolean> {
  const now = new Date();
  const touched = await Promise.all(
    (await platformsIn(join(tree, ".terraform", "providers"))).map((path) =>
      utimes(path, now, now).then(
        () => true,
        // A mirror of the operator's may be read-only: that one is there, and not ours to clean.
        () => stat(path).then(Boolean, () => false),
      ),
    ),
  );
  return touched.every(Boolean);
}

/**
 * Removes the providers of a store that nothing has used for 30 days. To be called by the holder of the store's lock.
 * Returns what it removed.
 */
export async function removeUnusedProviders(store: string, nowMs = Date.now()): Promise<string[]> {
  const removed: string[] = [];
  for (const path of await platformsIn(store)) {
    const found = await stat(path).catch(() => null);
    if (found === null || nowMs - found.mtimeMs < UNUSED_FOR_MS) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

async function platformsIn(dir: string, levels = LEVELS): Promise<string[]> {
  if (levels === 0) return [dir];
  const names = await readdir(dir).catch(() => []);
  const below = await Promise.all(
    names.filter((name) => !name.startsWith(".")).map((name) => platformsIn(join(dir, name), levels - 1)),
  );
  return below.flat();
}
