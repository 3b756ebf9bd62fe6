import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { root, time } from "./coder.ts";
import { median } from "./statistics.ts";

/**
 * The README's first command in a fresh clone. What npm and Go keep is warm; Slipway's own cache, with the provider
 * and the agent's executables, is empty for the first clone and filled for the second.
 */
export const up: Bench = {
  name: "up",
  title: "`./coder up -- true`",
  async measure(run) {
    const scratch = await mkdtemp(join(tmpdir(), "slipway-up-"));
    try {
      const fresh = await inClone(scratch, "fresh", 0);
      const { first: withCache, again } = await inClone(scratch, "cached", run.pick(10, 1));
      return {
        checks: [
          {
            what: "`./coder up -- true`, fresh clone, package caches warm",
            measured: fresh.first,
            target: 120,
            unit: "s",
          },
          { what: "`./coder up -- true`, again, p50", measured: median(again), target: 5, unit: "s" },
        ],
        tables: [
          {
            columns: ["s", "median", "samples"],
            rows: [
              ["fresh clone, Slipway's own cache empty", fresh.first.toFixed(1), 1],
              ["fresh clone, Slipway's own cache filled", withCache.toFixed(1), 1],
              ["again", median(again).toFixed(2), again.length],
            ],
          },
        ],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

async function inClone(
  scratch: string,
  name: string,
  times: number,
): Promise<{ first: number; again: number[] }> {
  const clone = join(scratch, name);
  const upDir = join(scratch, `${name}-up`);
  const env = {
    SLIPWAY_UP_DIR: upDir,
    CODER_CACHE_DIRECTORY: join(scratch, "cache"),
    // Without Docker: what it has of images is another subject.
    DOCKER_HOST: `unix://${join(scratch, "no-docker.sock")}`,
  };
  const seconds = async (...words: string[]) => (await time(join(clone, "coder"), words, env)).ms / 1000;
  await time("git", ["clone", "--quiet", root, clone]);
  try {
    const first = await seconds("up", "--", "true");
    const again: number[] = [];
    for (let round = 0; round < times; round += 1) again.push(await seconds("up", "--", "true"));
    // Its home lies outside of what is removed below.
    await seconds("--global-config", join(upDir, "config"), "delete", "dev", "--yes");
    return { first, again };
  } finally {
    await seconds("down");
  }
}
