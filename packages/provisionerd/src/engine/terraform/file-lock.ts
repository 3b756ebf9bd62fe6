import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isSameSpace, processSpace } from "./process-space.ts";
import { processStart } from "./process-start.ts";

const POLL_MS = 100;
/** Owners in other containers cannot be asked whether they live: they touch their lock so often. */
const BEAT_MS = 2_000;
const DEAD_AFTER_MS = 30_000;

/**
 * Runs `work` while this process alone holds `file`, among all processes of the host. The file holds the
 * owner's pid and the time its process started: the lock of a dead owner is taken over, also when another
 * process has got its pid since. Containers and hosts that share a directory have pids of their own: there the
 * age of the owner's last sign of life decides.
 */
export async function withFileLock<T>(
  file: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  onWait?: (ownerPid: number) => void,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const { boot, pidNamespace } = await processSpace();
  // The last word is this holder's alone: a process may work on several jobs.
  const own = [process.pid, await processStart(process.pid), pidNamespace, boot, randomUUID()].join(" ");
  let told = false;
  while (!(await tryTake(file, own))) {
    const owner = await ownerOf(file);
    if (owner !== null && !owner.alive) {
      await breakLock(file, owner.text);
      continue;
    }
    if (!told && owner !== null) {
      told = true;
      onWait?.(owner.pid);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  // After a freeze it may be another's. One that cannot be read is not left behind for that.
  const isOwn = async () => (await readFile(file, "utf8").catch(() => own)) === own;
  const beat = setInterval(() => {
    const now = new Date();
    // Who broke it has seen us dead; the work ends on its own.
    void isOwn().then(
      (held) => (held ? utimes(file, now, now) : undefined),
      () => {},
    );
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if (await isOwn()) await rm(file, { force: true });
  }
}

async function tryTake(file: string, own: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx", 0o600);
    await handle.writeFile(own).finally(() => handle.close());
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function ownerOf(file: string): Promise<{ text: string; pid: number; alive: boolean } | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  const [pid, start, namespace, boot] = text.split(" ");
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid)) {
    // Between its creation and its first line a file is empty, for an instant; older ones lost their owner.
    return { text, pid: 0, alive: (await ageMs(file)) < 10_000 };
  }
  const own = await processSpace();
  if (namespace !== undefined && !isSameSpace({ boot: boot ?? own.boot, pidNamespace: namespace }, own)) {
    return { text, pid: Number(pid), alive: (await ageMs(file)) < DEAD_AFTER_MS };
  }
  return { text, pid: Number(pid), alive: (await processStart(Number(pid))) === start };
}

async function ageMs(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  return found === null ? 0 : Date.now() - found.mtimeMs;
}

// Whoever renames the stale lock away has broken it; others that saw the same owner find it gone or changed.
async function breakLock(file: string, seen: string): Promise<void> {
  const aside = `${file}.${randomUUID()}.stale`;
  try {
    await rename(file, aside);
  } catch {
    return; // Another process was first.
  }
  const taken = await readFile(aside, "utf8").catch(() => seen);
  if (taken !== seen) await rename(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
