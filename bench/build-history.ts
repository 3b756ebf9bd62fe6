import { type CoderServer, startCoderServer } from "../test/harness/coder-server.ts";
import { pushTemplate } from "../test/harness/template.ts";
import { build, createWorkspace } from "../test/harness/workspaces.ts";
import type { Bench } from "./bench.ts";
import { interleave, median, summary } from "./statistics.ts";
import { plainTemplate } from "./templates.ts";

/** A warm start where nothing was built before, against one where ten workspaces have a history. */
export const buildHistory: Bench = {
  name: "build-history",
  title: "Warm start build with ten workspaces' worth of history",
  async measure(run) {
    const servers: CoderServer[] = [];
    try {
      const begin = async () => {
        const server = await startCoderServer();
        servers.push(server);
        const template = await pushTemplate(server.owner, "plain", plainTemplate);
        const { id } = await createWorkspace(server.owner, template.id, "measured");
        return { server, templateId: template.id, id };
      };
      const [fresh, old] = [await begin(), await begin()];
      for (let index = 0; index < run.pick(10, 1); index += 1) {
        const { id } = await createWorkspace(old.server.owner, old.templateId, `old-${index}`);
        for (let round = 0; round < run.pick(4, 1); round += 1) {
          await build(old.server.owner, id, "stop");
          await build(old.server.owner, id, "start");
        }
      }
      const times = { fresh: [] as number[], old: [] as number[] };
      const measure = async ({ server, id }: typeof fresh, into: number[]) => {
        await build(server.owner, id, "stop");
        const beginMs = performance.now();
        await build(server.owner, id, "start");
        into.push(performance.now() - beginMs);
      };
      const turns = [() => measure(fresh, times.fresh), () => measure(old, times.old)];
      // The first ones compile code.
      await interleave(1, turns);
      for (const samples of Object.values(times)) samples.length = 0;
      await interleave(run.pick(30, 1), turns);
      return {
        checks: [
          {
            what: "Warm start with ten workspaces' worth of history ÷ without",
            measured: median(times.old) / median(times.fresh),
            target: 1.1,
            unit: "×",
          },
        ],
        tables: [
          {
            columns: ["ms", "p50", "p99", "samples"],
            rows: [
              ["without history", ...summary(times.fresh)],
              ["with history", ...summary(times.old)],
            ],
          },
        ],
      };
    } finally {
      for (const server of servers) await server.close();
    }
  },
};
