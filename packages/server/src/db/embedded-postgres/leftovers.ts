import { existsSync } from "node:fs";
import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PostgresBinaries } from "./binaries.ts";
import type { PostgresDirectory } from "./directory.ts";
import type { PostgresLog } from "./log.ts";
import { runCommand } from "./run-command.ts";

const askedTimeoutMs = 30_000;
const killedTimeoutMs = 5_000;

/**
 * Ends what a killed server left behind, so that a new postmaster can start. postmaster.pid alone tells nothing: a
 * killed postmaster stays a zombie until init reaps it, and its pid may be anybody's by now. What works in our
 * data directory is ours, and a zombie works nowhere.
 *
 * The caller holds the owner lock.
 */
export async function endLeftovers(
  dir: PostgresDirectory,
  deps: { binaries: PostgresBinaries; socketDir: string; log: PostgresLog },
): Promise<void> {
  const pidFile = join(dir.data, "postmaster.pid");
  const recorded = await readFile(pidFile, "utf8").catch(() => null);
  // Without either file, Postgres stopped in order.
  if (recorded === null && !existsSync(dir.unfinished)) return;
  if (process.platform === "linux") await endProcesses(dir, Number.parseInt(recorded ?? "", 10), deps.log);
  // Elsewhere nothing lists the processes of a directory; pg_ctl does what postmaster.pid allows.
  else if (recorded !== null)
    await runCommand(deps.binaries.pgCtl, ["-D", dir.data, "-m", "fast", "-w", "stop"]);
  await rm(pidFile, { force: true });
  for (const name of await readdir(deps.socketDir)) {
    if (name.startsWith(".s.PGSQL.")) await rm(join(deps.socketDir, name), { force: true });
  }
}

async function endProcesses(dir: PostgresDirectory, postmaster: number, log: PostgresLog): Promise<void> {
  const found = await processesOf(dir);
  if (found.length === 0) return;
  log.info({ pids: found }, "stopping a Postgres left behind by a killed server");
  // The postmaster's fast shutdown ends its children in order; without it they end by themselves, or are interrupted.
  signalAll(found.includes(postmaster) ? [postmaster] : found, "SIGINT");
  if (await gone(dir, askedTimeoutMs)) return;
  const stuck = await processesOf(dir);
  log.warn({ pids: stuck }, "the Postgres left behind does not stop; killing it");
  signalAll(stuck, "SIGKILL");
  if (await gone(dir, killedTimeoutMs)) return;
  throw new Error(
    `Processes ${(await processesOf(dir)).join(", ")} of an earlier Postgres in ${dir.data} do not end, even when killed (a hanging disk?). End them, then start again.`,
  );
}

/**
 * Running programs of Postgres that work in `dir`: initdb in its root, the postmaster and its children in the data.
 * Somebody's shell may work there too and is left alone.
 */
export async function processesOf(dir: PostgresDirectory): Promise<number[]> {
  const places = [dir.root, dir.data, dir.unfinished];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found: number[] = [];
  for (const pid of pids) {
    // Unreadable are the processes of other users, those that just ended, and zombies: none of them is ours.
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null);
    if (cwd === null || !places.includes(cwd)) continue;
    const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
    if (/\/(postgres|initdb)( \(deleted\))?$/.test(program)) found.push(Number(pid));
  }
  return found;
}

async function gone(dir: PostgresDirectory, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while ((await processesOf(dir)).length > 0) {
    if (performance.now() > until) return false;
    await delay(10);
  }
  return true;
}

function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}
