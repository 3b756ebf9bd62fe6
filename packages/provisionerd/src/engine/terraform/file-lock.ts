import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processStart } from "./process-start.ts";

const POLL_MS = 100;

/**
 * Runs `work` while this process alone holds `file`, among all processes of the host. The file holds the
 * owner's pid and the time its process started: the lock of a dead owner is taken over, also when another
 * process has got its pid since.
 */
export async function withFileLock<T>(
  file: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  onWait?: (ownerPid: number) => void,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const own = `${process.pid} ${await processStart(process.pid)}`;
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
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
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
  const [pid, start] = text.split(" ");
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid)) {
    // Between its creation and its first line a file is empty, for an instant; older ones lost their owner.
    const age =
      Date.now() -
      (await stat(file).then(
        (found) => found.mtimeMs,
        () => Date.now(),
      ));
    return { text, pid: 0, alive: age < 10_000 };
  }
  return { text, pid: Number(pid), alive: (await processStart(Number(pid))) === start };
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
