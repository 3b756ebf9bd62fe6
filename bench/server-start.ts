import { setTimeout as delay } from "node:timers/promises";
import { startCoderServer } from "../test/harness/coder-server.ts";
import type { Bench } from "./bench.ts";
import { percentile, summary } from "./statistics.ts";

/** From the start of the process, built-in Postgres included, until a request is answered. */
export const serverStart: Bench = {
  name: "server-start",
  title: "Server start with data in place",
  async measure(run) {
    const rounds = run.pick(15, 2);
    const server = await startCoderServer();
    try {
      const samples: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await server.stop();
        const startedAt = performance.now();
        const started = server.start();
        samples.push((await firstAnswer(server.url)) - startedAt);
        await started;
      }
      return {
        checks: [
          {
            what: "Server start to first answered request, warm data, p50",
            measured: percentile(samples, 0.5) / 1000,
            target: 2,
            unit: "s",
          },
        ],
        tables: [{ columns: ["ms", "p50", "p99", "samples"], rows: [["start", ...summary(samples)]] }],
      };
    } finally {
      await server.close();
    }
  },
};

async function firstAnswer(url: string): Promise<number> {
  for (;;) {
    const status = await fetch(`${url}/api/v2/buildinfo`).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => null, // Nobody listens yet.
    );
    if (status === 200) return performance.now();
    await delay(5);
  }
}
