import { mkdir, open, readFile, readlink, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processStart } from "./process-start.ts";

const POLL_MS = 100;
/** Owners in other containers cannot be asked whether they live: they touch their lock so often. */
const BEAT_MS = 2_000;
const DEAD_AFTER_MS = 30_000;

/**
 * Runs `work` while this process alone holds `file`, among all processes of the host. The file holds the
 * owner's pid and the time its process started: the lock of a dead owner is taken over, also when another
 * process has got its pid since. Containers that share a directory have pids of their own: there the age of
 * the owner's last sign of life decides.
 */
export async function withFileLock<T>(
  file: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  onWait?: (ownerPid: number) => void,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const own = `${process.pid} ${await processStart(process.pid)} ${await pidNamespace()}`;
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
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(file, now, now).catch(() => {}); // Who broke it has seen us dead; the work ends on its own.
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(file, { force: true });
  }
}

/** Names the set of processes among which a pid means one of them. */
async function pidNamespace(): Promise<string> {
  return readlink("/proc/self/ns/pid").catch(() => "");
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
  const [pid, start, namespace] = text.split(" ");
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid)) {
    // Between its creation and its first line a file is empty, for an instant; older ones lost their owner.
    return { text, pid: 0, alive: (await ageMs(file)) < 10_000 };
  }
  if (namespace !== undefined && namespace !== (await pidNamespace())) {
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
  const aside = `${file}.${process.pid}.stale`;
  try {
    await rename(file, aside);
  } catch {
    return; // Another process was first.
  }
  const taken = await readFile(aside, "utf8").catch(() => seen);
  if (taken !== seen) await rename(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
