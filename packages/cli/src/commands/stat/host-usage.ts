import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import type { Usage } from "./usage.ts";

/** What all processors of the machine have done, in milliseconds since it started. */
export function hostCpuBusyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

export function hostCores(): number {
  return Math.max(cpus().length, availableParallelism());
}

export async function hostMemory(): Promise<Usage> {
  const total = totalmem();
  // What caches hold can be had again: Linux counts that itself.
  const meminfo = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const availableKib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  const available = availableKib === undefined ? freemem() : Number(availableKib) * 1024;
  return { used: total - available, total, unit: "B" };
}

/** As `df` counts: what only root may still fill is no use to others. */
export async function diskUsage(path: string): Promise<Usage> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  const used = (blocks - bfree) * bsize;
  return { used, total: used + bavail * bsize, unit: "B" };
}
