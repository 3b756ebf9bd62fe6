import { readFileSync } from "node:fs";

/**
 * Names a running process for good: ids are used again, after a restart of the machine in particular. Undefined
 * when it does not run.
 *
 * @example
 * processIdentity(process.pid) // "4711:8812345", with the time of its start in the kernel's count
 */
export function processIdentity(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (err) {
    // Not ours to signal, but there.
    if ((err as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  const startedAt = startTime(pid);
  return startedAt === "dead" ? undefined : `${pid}:${startedAt}`;
}

export function isRunning(identity: string): boolean {
  const pid = pidOf(identity);
  return pid !== undefined && processIdentity(pid) === identity;
}

export function pidOf(identity: string): number | undefined {
  const pid = Number(identity.split(":")[0]);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** Boot and tick, from /proc; systems without it give nothing, and there the id alone must do. */
function startTime(pid: number): string {
  try {
    // The name, in parentheses, may hold blanks and parentheses itself.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Killed, and its parent has not asked how.
    if (fields[0] === "Z" || fields[0] === "X") return "dead";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
    return `${boot}-${fields[19] ?? ""}`;
  } catch {
    return "";
  }
}
