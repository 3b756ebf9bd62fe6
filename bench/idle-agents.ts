/** Agents that connect, say that they are ready and then only report stats, as real ones without sessions do. */
import { once } from "node:events";
import { connectFakeAgent, type FakeAgent } from "../packages/server/src/agents/testing/fake-agent.ts";

export type IdleAgentsMessage = { url: string; tokens: readonly string[] };

const parallel = 20;
const reportEveryMs = 30_000;

process.on("disconnect", () => process.exit());
// Sent by server-memory.ts, once.
const [{ url, tokens }] = (await once(process, "message")) as [IdleAgentsMessage];
const left = [...tokens];
const agents: FakeAgent[] = [];
await Promise.all(
  Array.from({ length: parallel }, async () => {
    for (let token = left.pop(); token !== undefined; token = left.pop()) {
      const agent = await connectFakeAgent(url, token);
      await agent.service.getManifest({});
      await agent.service.updateStartup({ version: "bench", expandedDirectory: "/home/coder" });
      for (const state of ["starting", "ready"]) {
        await agent.service.updateLifecycle({ state, changedAtMs: BigInt(Date.now()) });
      }
      agents.push(agent);
    }
  }),
);
// Spread over the interval, as agents that did not start at the same moment are.
let next = 0;
setInterval(() => {
  const agent = agents[next++ % agents.length];
  void agent?.service.updateStats({});
}, reportEveryMs / agents.length);
process.send?.("connected");
