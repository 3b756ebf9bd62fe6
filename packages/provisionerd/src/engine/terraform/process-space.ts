import { readFile, readlink } from "node:fs/promises";

/**
 * The processes among which a pid, with the time its process started, means one of them for good: those of one PID
 * namespace of one running kernel. Containers, and hosts, that share a directory have others, with the same pids.
 */
export type ProcessSpace = {
  /** Names the running kernel; another one after each boot. "" where that is not to be had. */
  boot: string;
  pidNamespace: string;
};

let own: Promise<ProcessSpace> | undefined;

/** This process's own. */
export function processSpace(): Promise<ProcessSpace> {
  own ??= Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]).then(([boot, pidNamespace]) => ({ boot: boot.trim(), pidNamespace }));
  return own;
}

/** Whether both speak of the same processes by the same pids. Where there are no namespaces, all do. */
export function isSameSpace(a: ProcessSpace, b: ProcessSpace): boolean {
  if (process.platform !== "linux") return true;
  return isSameKernel(a, b) && a.pidNamespace !== "" && a.pidNamespace === b.pidNamespace;
}

export const isSameKernel = (a: ProcessSpace, b: ProcessSpace) => a.boot !== "" && a.boot === b.boot;
