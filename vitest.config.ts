import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

const cores = availableParallelism();
/** They start a Docker engine or a Kubernetes API server of their own, or kill daemons for a minute. */
const extended = ["packaging", "docker", "chaos"].map((suite) => `test/${suite}/**/*.e2e.test.ts`);

export default defineConfig({
  test: {
    // Processes, not threads: Postgres is tied to the life of the main thread that started it.
    pool: "forks",
    globalSetup: "test/support/global-setup.ts",
    sequence: { sequencer: LongestFirst },
    allowOnly: process.env.CI === undefined,
    passWithNoTests: true,
    // Only when to stop waiting, on a machine busy with other things.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/**/*.test.ts", "scripts/**/*.test.ts"],
          // No test changes what others import, so all files of a worker share their modules: a third of the time.
          isolate: false,
          // Tests wait for conditions; this is only when to stop waiting, on a machine busy with other things.
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: Math.max(2, cores),
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.e2e.test.ts"],
          globalSetup: "test/support/warm-caches.ts",
          exclude: extended,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          isolate: false,
          // Each starts servers, Terraform and agents of its own, and waits for them half of the time.
          maxWorkers: cores * 2,
        },
      },
      {
        extends: true,
        test: {
          name: "extended",
          include: extended,
          globalSetup: "test/support/warm-caches.ts",
          // Helm, a Kubernetes API server and container images are made first.
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
