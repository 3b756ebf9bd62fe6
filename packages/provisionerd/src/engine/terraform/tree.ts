import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type TreeSum = { digest: string; bytes: number };

/** So many files are open, and in memory, at a time. */
const FILES_AT_ONCE = 16;

/**
 * The digest of a directory: names, kinds, contents, the executable bit and the targets of links. With
 * `copyTo`, what was read is also written there, so that what is verified is exactly what was copied.
 */
export async function sumTree(dir: string, copyTo?: string): Promise<TreeSum> {
  const lines: string[] = [];
  let bytes = 0;
  const inTurn = createSlots(FILES_AT_ONCE);

  const visit = async (path: string): Promise<void> => {
    const target = copyTo === undefined ? undefined : join(copyTo, path);
    const [entries] = await all([
      readdir(join(dir, path), { withFileTypes: true }),
      target === undefined ? undefined : mkdir(target, { recursive: true, mode: 0o700 }),
    ]);
    await all(
      entries.map((entry) => {
        const below = path === "" ? entry.name : `${path}/${entry.name}`;
        if (entry.isDirectory()) {
          lines.push(`d ${below}`);
          return visit(below);
        }
        if (entry.isSymbolicLink()) return inTurn(() => sumLink(below));
        return entry.isFile() ? inTurn(() => sumFile(below)) : undefined;
      }),
    );
  };

  async function sumLink(path: string): Promise<void> {
    const link = await readlink(join(dir, path));
    lines.push(`l ${path}\0${link}`);
    if (copyTo !== undefined) await symlink(link, join(copyTo, path));
  }

  async function sumFile(path: string): Promise<void> {
    const file = join(dir, path);
    const [{ mode }, content] = await all([lstat(file), readFile(file)]);
    const isExecutable = (mode & 0o100) !== 0;
    bytes += content.byteLength;
    lines.push(`${isExecutable ? "x" : "f"} ${path}\0${createHash("sha256").update(content).digest("hex")}`);
    if (copyTo === undefined) return;
    await writeFile(join(copyTo, path), content, { mode: isExecutable ? 0o700 : 0o600 });
  }

  await visit("");
  // A name holds no NUL, so that two trees never make the same text.
  const digest = createHash("sha256").update(lines.sort().join("\0\0")).digest("hex");
  return { digest, bytes };
}

/** As `Promise.all`, but only when all have ended: after a failure nothing goes on writing. */
async function all<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

function createSlots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
