import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "./bench.ts";
import { startFullServer } from "./copy-workspaces.ts";
import type { IdleAgentsMessage } from "./idle-agents.ts";
import { connectInspector, inspectorEnv, type Memory } from "./inspector.ts";

/** What a server process grows by with two thousand agents that are connected and do nothing but report stats. */
export const serverMemory: Bench = {
  name: "server-memory",
  title: "Server memory per idle agent",
  async measure(run) {
    const count = run.pick(2_000, 50);
    const settleMs = run.pick(20_000, 1_000);
    const { server, agentTokens, close } = await startFullServer(count, run.pick(100, 5), inspectorEnv);
    try {
      const inspector = await connectInspector(server.log());
      const warmUp = await connectAgents(server.url, agentTokens.slice(0, Math.ceil(count / 10)));
      await warmUp.leave();
      await delay(settleMs);
      const before = await inspector.settledMemory(settleMs);
      const agents = await connectAgents(server.url, agentTokens);
      // Buffers of the beginning are given back meanwhile.
      await delay(settleMs);
      const after = await inspector.settledMemory(settleMs);
      await agents.leave();
      inspector.close();
      const perAgent = (pick: (memory: Memory) => number) => (pick(after) - pick(before)) / 1024 / count;
      const row = (name: string, pick: (memory: Memory) => number) => [
        name,
        (pick(before) / 1024 ** 2).toFixed(1),
        (pick(after) / 1024 ** 2).toFixed(1),
        perAgent(pick).toFixed(1),
      ];
      return {
        checks: [
          {
            what: `Server memory per idle agent at ${count}`,
            measured: Math.max(
              perAgent(({ rss }) => rss),
              perAgent(live),
            ),
            target: 25,
            unit: "KB" as const,
          },
        ],
        tables: [
          {
            columns: ["", `MB before`, `MB with ${count} agents`, "KB per agent"],
            rows: [
              row("resident (RSS)", ({ rss }) => rss),
              row("JavaScript heap", ({ heapUsed }) => heapUsed),
              row("outside of the heap", ({ external }) => external),
            ],
          },
        ],
        notes: [
          "Garbage is collected before each reading. A tenth of the agents came and went before the first.",
        ],
      };
    } finally {
      await close();
    }
  },
};

const live = ({ heapUsed, external }: Memory) => heapUsed + external;

async function connectAgents(url: string, tokens: readonly string[]) {
  const child = fork(join(import.meta.dirname, "idle-agents.ts"));
  const exited = once(child, "exit");
  const message: IdleAgentsMessage = { url, tokens };
  child.send(message);
  await Promise.race([
    once(child, "message"),
    exited.then(() => {
      throw new Error("The agents' process ended; its message is above.");
    }),
  ]);
  return {
    async leave() {
      child.disconnect();
      await exited;
    },
  };
}
