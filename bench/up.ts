import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { root, time } from "./coder.ts";
import { median } from "./statistics.ts";

/** The README's first command in a fresh clone, with what npm and Terraform have in their caches, and again. */
export const up: Bench = {
  name: "up",
  title: "`./coder up -- true`",
  async measure(run) {
    const again: number[] = [];
    const home = await mkdtemp(join(tmpdir(), "slipway-up-"));
    const clone = join(home, "clone");
    const env = {
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
      // Without Docker: its images are not part of what is measured.
      DOCKER_HOST: `unix://${join(home, "no-docker.sock")}`,
    };
    const coder = (...words: string[]) => time(join(clone, "coder"), words, env);
    try {
      await time("git", ["clone", "--quiet", root, clone]);
      const fresh = (await coder("up", "--", "true")).ms / 1000;
      try {
        for (let round = 0; round < run.pick(10, 1); round += 1) {
          again.push((await coder("up", "--", "true")).ms / 1000);
        }
      } finally {
        await coder("down");
      }
      return {
        checks: [
          {
            what: "`./coder up -- true`, fresh clone, package caches warm",
            measured: fresh,
            target: 120,
            unit: "s",
          },
          { what: "`./coder up -- true`, again, p50", measured: median(again), target: 5, unit: "s" },
        ],
        tables: [
          {
            columns: ["s", "median", "samples"],
            rows: [
              ["fresh clone", fresh.toFixed(1), 1],
              ["again", median(again).toFixed(2), again.length],
            ],
          },
        ],
      };
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
};
