import { type Client, workspaces } from "@slipway/api";
import type { Bench } from "./bench.ts";
import { startFullServer } from "./copy-workspaces.ts";
import { interleave, percentile, summary } from "./statistics.ts";

const queries = ["", "owner:me", "status:running", "name:copy-99", "has-agent:connecting"];

/** The first page of `GET /workspaces` among ten thousand, from a server process of its own. */
export const listWorkspaces: Bench = {
  name: "list-workspaces",
  title: "`GET /workspaces`, first page of 10,000",
  async measure(run) {
    const requests = run.pick(200, 5);
    const { server, memberToken, close } = await startFullServer(run.pick(10_000, 200), run.pick(500, 10));
    try {
      const callers = { owner: server.owner, member: server.client(memberToken) };
      const lists = Object.entries(callers).flatMap(([who, client]) =>
        queries.map((q) => ({ who, client, q, samples: [] as number[] })),
      );
      // The first round compiles code and plans queries.
      await interleave(
        1,
        lists.map((list) => async () => void (await getPage(list.client, list.q))),
      );
      await interleave(
        requests,
        lists.map((list) => async () => void list.samples.push(await getPage(list.client, list.q))),
      );
      return {
        checks: Object.keys(callers).map((who) => ({
          what: `First page of workspaces as ${who}, p99`,
          measured: percentile(lists.find((list) => list.who === who && list.q === "")?.samples ?? [], 0.99),
          target: 50,
          unit: "ms" as const,
        })),
        tables: [
          {
            columns: ["ms", "search", "p50", "p99", "samples"],
            rows: lists.map(({ who, q, samples }) => [
              who,
              q === "" ? "" : `\`${q}\``,
              ...summary(samples, 1),
            ]),
          },
        ],
        notes: ["An owner sees all workspaces; the member sees the 20 of their own. Pages have 25."],
      };
    } finally {
      await close();
    }
  },
};

async function getPage(client: Client, q: string): Promise<number> {
  const startedAt = performance.now();
  const response = await client.fetch(workspaces.getWorkspaces, { query: { q, limit: 25 } });
  await response.arrayBuffer();
  return performance.now() - startedAt;
}
