import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeUnfinished } from "../../remove-unfinished.ts";
import { touchProviders } from "./provider-store.ts";
import { sumTree } from "./tree.ts";

/** What is known of a cached tree beside its files. */
export type VersionInfo = {
  /** The lock file that init ended with, "" when there are no providers. */
  lockFile: string;
  /** Names of the variables whose values must not be logged. */
  sensitiveVariables: string[];
};

export type VersionKey = {
  archiveHash: string;
  /** Of the modules that import fetched: the same sources may name others at another time. "" for none. */
  modulesHash: string;
  lockFile: string;
  engine: string;
  mirrorDigest: string;
};

type Entry = VersionInfo & { digest: string; bytes: number };

const DEFAULT_MAX_BYTES = 5 * 1024 * 1024 * 1024;
const MAX_ENTRIES = 500;

/**
 * Template versions after their init: sources, `.terraform` and lock file (engine.md §2). Keyed by what they
 * were made from and verified by digest with every copy: one template's code must not poison another's build.
 */
export type VersionCache = {
  /** Copies the version into `target`, which must not exist. Null: not cached, or damaged and dropped. */
  checkOut(key: VersionKey, target: string): Promise<VersionInfo | null>;
  /** Keeps a copy of `dir` under the key. */
  add(key: VersionKey, dir: string, info: VersionInfo): Promise<void>;
};

export function createVersionCache(
  root: string,
  options: { maxBytes?: number; warn(message: string): void },
): VersionCache {
  const place = (key: VersionKey) => join(root, keyText(key));

  async function checkOut(key: VersionKey, target: string): Promise<VersionInfo | null> {
    const dir = place(key);
    const entry = await readEntry(dir);
    if (entry === null || !(await touchProviders(join(dir, "tree")))) return null;
    const sum = await sumTree(join(dir, "tree"), target).catch(() => null);
    if (sum?.digest === entry.digest) {
      const now = new Date();
      // Nobody waits for it: it only says what was used last.
      void utimes(join(dir, "entry.json"), now, now).catch(() => {});
      return { lockFile: entry.lockFile, sensitiveVariables: entry.sensitiveVariables };
    }
    await rm(target, { recursive: true, force: true });
    // Another daemon has dropped it meanwhile, as the least recently used.
    if ((await readEntry(dir)) === null) return null;
    options.warn(`The cached template version in ${dir} does not have its digest any more; it was dropped.`);
    await drop(dir);
    return null;
  }

  async function add(key: VersionKey, dir: string, info: VersionInfo): Promise<void> {
    const staging = join(root, `.${randomUUID()}`);
    try {
      const { digest, bytes } = await sumTree(dir, join(staging, "tree"));
      const entry: Entry = { ...info, digest, bytes };
      await writeFile(join(staging, "entry.json"), JSON.stringify(entry), { mode: 0o600, flush: true });
      await rename(staging, place(key));
    } catch (error) {
      if (!isOccupied(error)) throw error;
      // Another daemon of this host was faster, with the same content; or it is damaged, or its providers are gone.
      const isWhole = (await readEntry(place(key))) !== null;
      if (!isWhole || !(await touchProviders(join(place(key), "tree")))) {
        await drop(place(key));
        await rename(staging, place(key)).catch(() => {}); // Others may be faster once more: then theirs is as good.
      }
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    await shrink();
  }

  /** Whoever looks for it finds all of it, or nothing. */
  async function drop(dir: string): Promise<void> {
    const aside = join(root, `.${randomUUID()}`);
    await rename(dir, aside).catch(() => {}); // Another daemon was faster.
    await rm(aside, { recursive: true, force: true });
  }

  // The least recently used go first. Jobs have copies of their own: none of them misses what goes.
  async function shrink(): Promise<void> {
    const entries: { dir: string; bytes: number; usedMs: number }[] = [];
    for (const name of await readdir(root)) {
      const dir = join(root, name);
      if (name.startsWith(".")) {
        await removeUnfinished(dir);
        continue;
      }
      const entry = await readEntry(dir);
      const used = await stat(join(dir, "entry.json")).catch(() => null);
      if (entry === null) await drop(dir);
      else if (used !== null) entries.push({ dir, bytes: entry.bytes, usedMs: used.mtimeMs });
    }
    entries.sort((a, b) => b.usedMs - a.usedMs);
    let bytes = 0;
    for (const [index, entry] of entries.entries()) {
      bytes += entry.bytes;
      const isTooMuch = bytes > (options.maxBytes ?? DEFAULT_MAX_BYTES) || index >= MAX_ENTRIES;
      // The newest stays whatever its size: it is in use.
      if (isTooMuch && index > 0) await drop(entry.dir);
    }
  }

  return {
    checkOut,
    async add(key, dir, info) {
      await mkdir(root, { recursive: true, mode: 0o700 });
      await add(key, dir, info);
    },
  };
}

/** What `digest` means: entries with one of another kind are not asked for any more. */
const DIGEST_FORMAT = 2;

function keyText({ archiveHash, modulesHash, lockFile, engine, mirrorDigest }: VersionKey): string {
  // Versions without such modules are where they were before there was a key for them.
  const modules = modulesHash === "" ? [] : [modulesHash];
  return createHash("sha256")
    .update(JSON.stringify([DIGEST_FORMAT, archiveHash, lockFile, engine, mirrorDigest, ...modules]))
    .digest("hex");
}

async function readEntry(dir: string): Promise<Entry | null> {
  const text = await readFile(join(dir, "entry.json"), "utf8").catch(() => null);
  try {
    // Written by `add` above and moved into place whole.
    return text === null ? null : (JSON.parse(text) as Entry);
  } catch {
    return null; // A disk that was full, or a power cut, may take what was written: the version is made anew.
  }
}

function isOccupied(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST");
}
