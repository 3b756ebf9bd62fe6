import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Usage } from "./usage.ts";

/** The control group in which a container runs, as the container sees it. */
export type Container = {
  cpuBusyMs(): Promise<number>;
  /** How many processors it may use; null where that is not limited. */
  cores(): Promise<number | null>;
  memory(): Promise<Usage>;
};

/** The container in which this runs; null on a machine of its own, and where nothing tells. */
export async function findContainer(cgroups = "/sys/fs/cgroup"): Promise<Container | null> {
  const file = (name: string) => join(cgroups, name);
  // The machine's own group has no limits: only groups below it have these files.
  if ((await read(file("memory.max"))) !== null) return unified(file);
  const isOwnGroup = (await read(file("memory/memory.limit_in_bytes"))) !== null;
  return isOwnGroup && (await isInside()) ? legacy(file) : null;
}

type File = (name: string) => string;

/** Version 2: one tree for everything. */
function unified(file: File): Container {
  return {
    cpuBusyMs: async () => statistic(await need(file("cpu.stat")), "usage_usec") / 1000,
    async cores() {
      const [quota = "max", period = ""] = ((await read(file("cpu.max"))) ?? "max").split(" ");
      return quota === "max" ? null : Number(quota) / Number(period);
    },
    async memory() {
      const [current, max, stat] = await Promise.all(
        ["memory.current", "memory.max", "memory.stat"].map((name) => need(file(name))),
      );
      return {
        used: Number(current) - statistic(stat ?? "", "inactive_file"),
        total: max === "max" ? null : Number(max),
        unit: "B",
      };
    },
  };
}

/** Without a limit, version 1 has a number of pages that no machine has. */
const unlimitedBytes = 2 ** 62;

/** Version 1: a tree for each resource. */
function legacy(file: File): Container {
  return {
    cpuBusyMs: async () => Number(await need(file("cpuacct/cpuacct.usage"))) / 1e6,
    async cores() {
      const [quota, period] = await Promise.all(
        ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"].map((name) => read(file(name))),
      );
      return quota && period && Number(quota) > 0 ? Number(quota) / Number(period) : null;
    },
    async memory() {
      const [usage, limit, stat] = await Promise.all(
        ["usage_in_bytes", "limit_in_bytes", "stat"].map((name) => need(file(`memory/memory.${name}`))),
      );
      const total = Number(limit);
      return {
        used: Number(usage) - statistic(stat ?? "", "total_inactive_file"),
        total: total >= unlimitedBytes ? null : total,
        unit: "B",
      };
    },
  };
}

/** Version 1 shows a machine's own group under the same names: what started this tells them apart. */
async function isInside(): Promise<boolean> {
  const groups = (await read("/proc/1/cgroup")) ?? "";
  return groups.split("\n").some((line) => line !== "" && !/:\/(init\.scope)?$/.test(line));
}

/** Files of caches that were not used lately are given back before anything else: they do not count as used. */
function statistic(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

async function need(path: string): Promise<string> {
  return (await readFile(path, "utf8")).trim();
}

async function read(path: string): Promise<string | null> {
  return need(path).catch(() => null);
}
