import { createHash } from "node:crypto";
import { lstat, mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";

const sharedMemory = "/dev/shm";
const tmpfsType = 0x01021994;
const wantedBytes = 1024 ** 3;

/**
 * A directory of ours in memory, the same for the same `name`, or null where there is none with enough room. Each
 * database is hundreds of files, and on a disk making and removing them takes most of the time of many tests.
 */
export async function memoryDirectory(name: string): Promise<string | null> {
  const found = await statfs(sharedMemory).catch(() => null);
  if (found === null || found.type !== tmpfsType || found.bavail * found.bsize < wantedBytes) return null;
  const user = process.getuid?.() ?? 0;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
  const dir = join(sharedMemory, `slipway-test-${user}-${digest}`);
  // As root, Postgres runs under an account that has to enter.
  await mkdir(dir, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const made = await lstat(dir);
  return made.isDirectory() && made.uid === user ? dir : null;
}
