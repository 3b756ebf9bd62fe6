import { readdirSync, readFileSync } from "node:fs";
import type { ExternalDaemon } from "../harness/external-daemon.ts";

export type RunningProcess = { pid: number; command: string };

/** All that a process has started, and what those have, oldest first. */
export function descendantsOf(root: number): RunningProcess[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  const found: RunningProcess[] = [];
  const parents = [root];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    for (const each of all.filter(({ parentPid }) => parentPid === parent)) {
      found.push(each);
      parents.push(each.pid);
    }
  }
  return found;
}

export const pidOf = ({ child }: ExternalDaemon) => child.pid ?? 0;

/** The Terraform that applies for a daemon. */
export function terraformOf(daemon: ExternalDaemon): RunningProcess[] {
  return descendantsOf(pidOf(daemon)).filter(({ command }) => / apply /.test(command));
}

export function isRunning(pid: number): boolean {
  const found = readProcess(pid);
  return found !== null && found.state !== "Z";
}

/** Sends the signal to what still runs. */
export function signalAll(processes: readonly { pid: number }[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

function readProcess(pid: number): (RunningProcess & { parentPid: number; state: string }) | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in brackets and may hold whatever it likes.
    const [state = "", parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parentPid: Number(parentPid), state, command };
  } catch {
    return null; // It has ended.
  }
}
