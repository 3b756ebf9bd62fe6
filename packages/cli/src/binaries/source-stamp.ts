import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { sourceRoot } from "./source-root.ts";

/** Where a change can change an executable, below the root of the sources. The hidden lock file is npm's own record. */
const sources = ["packages", "examples", "package-lock.json", "node_modules/.package-lock.json", "LICENSE"];
/** Changes when the system's libraries do. */
const systemLibraries = "/etc/ld.so.cache";

/**
 * Names the state of everything that executables are made of, by sizes and times of files: some milliseconds, where
 * bundling it all to see whether it has changed takes two seconds.
 */
export async function sourceStamp(root = sourceRoot): Promise<string> {
  const lists = await Promise.all(sources.map((name) => filesOf(join(root, name))));
  const paths = [...lists.flat().sort(), systemLibraries, process.execPath];
  const lines = await Promise.all(paths.map(lineOf));
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 32);
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null);
  if (entries === null) return [path];
  const lists = entries.map((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesOf(inner);
    return /\.test\.ts$/.test(entry.name) ? [] : [inner];
  });
  return (await Promise.all(lists)).flat();
}

async function lineOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch(() => ({ size: -1, mtimeMs: 0 }));
  return `${path} ${size} ${mtimeMs}`;
}
