import { setTimeout as sleep } from "node:timers/promises";
import { type Container, findContainer } from "./container-usage.ts";
import { hostCores, hostCpuBusyMs, hostMemory } from "./host-usage.ts";
import type { Usage } from "./usage.ts";

/** Long enough for the clock ticks by which systems count, short enough to wait for. */
const sampleMs = 200;

export function measureHostCpu(signal: AbortSignal): Promise<Usage> {
  return measureCpu(async () => hostCpuBusyMs(), hostCores(), signal);
}

export async function measureContainerCpu(container: Container, signal: AbortSignal): Promise<Usage> {
  return measureCpu(() => container.cpuBusyMs(), await container.cores(), signal);
}

async function measureCpu(
  busyMs: () => Promise<number>,
  cores: number | null,
  signal: AbortSignal,
): Promise<Usage> {
  const [startedAt, before] = [performance.now(), await busyMs()];
  await sleep(sampleMs, undefined, { signal });
  const used = ((await busyMs()) - before) / (performance.now() - startedAt);
  return { used: Number(used.toFixed(3)), total: cores, unit: "cores" };
}

/** Of the container where there is one, else, and where asked for, of the machine. */
export async function measureOwnCpu(options: { host: boolean; signal: AbortSignal }): Promise<Usage> {
  const container = options.host ? null : await findContainer();
  return container ? measureContainerCpu(container, options.signal) : measureHostCpu(options.signal);
}

export async function measureOwnMemory(options: { host: boolean }): Promise<Usage> {
  const container = options.host ? null : await findContainer();
  return container ? container.memory() : hostMemory();
}
