import { mkdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, pidOf, processIdentity } from "./process-identity.ts";

const pollMs = 100;

/**
 * Runs `work` while no other process does so under the same path. The lock is a symbolic link that names its
 * owner: made in one step, and one whose owner is dead is taken over.
 */
export async function withLock<T>(
  path: string,
  options: { signal: AbortSignal; onWait(pid: number | undefined): void },
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const me = processIdentity(process.pid) ?? String(process.pid);
  let isAnnounced = false;
  while (!(await take(path, me))) {
    const owner = await readlink(path).catch(() => undefined);
    // Let go in this moment.
    if (owner === undefined) continue;
    if (!isRunning(owner)) {
      // Renaming first: of two that find the dead owner, one gets the old lock and the other nothing.
      const mine = `${path}.${process.pid}`;
      await rename(path, mine).then(
        () => rm(mine, { force: true }),
        () => {},
      );
      continue;
    }
    if (!isAnnounced) options.onWait(pidOf(owner));
    isAnnounced = true;
    await sleep(pollMs, undefined, { signal: options.signal }).catch(() => {
      throw options.signal.reason;
    });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, me: string): Promise<boolean> {
  try {
    await symlink(me, path);
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw err;
  }
}
