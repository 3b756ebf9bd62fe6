import { readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../../cli-error.ts";
import { makeDirectory, notWritable } from "../../make-directory.ts";
import { isRunning, pidOf, processIdentity } from "./process-identity.ts";

const pollMs = 100;

/** What to do when nothing can be kept where `up` keeps all that is its own. */
export const elsewhere = "Choose another directory with SLIPWAY_UP_DIR.";

/**
 * Runs `work` while no other process does so under the same path. The lock is a symbolic link that names its
 * owner: made in one step, and one whose owner is dead is taken over.
 */
export async function withLock<T>(
  path: string,
  options: { signal: AbortSignal; onWait(pid: number | undefined): void },
  work: () => Promise<T>,
): Promise<T> {
  await makeDirectory(dirname(path), { mode: 0o700, hint: elsewhere });
  const me = processIdentity(process.pid) ?? String(process.pid);
  let isAnnounced = false;
  while (!(await take(path, me))) {
    const owner = await readlink(path).catch((err: NodeJS.ErrnoException) => {
      if (err.code === "ENOENT") return undefined;
      throw new CliError(`${path} is not the lock that belongs there.`, {
        hint: "Look what it is, move it away, and try again.",
        cause: err,
      });
    });
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
    throw notWritable(dirname(path), err, elsewhere);
  }
}
