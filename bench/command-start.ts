import { workspaces } from "@slipway/api";
import { pushTemplate } from "../test/harness/template.ts";
import { createWorkspace } from "../test/harness/workspaces.ts";
import type { Bench } from "./bench.ts";
import { launcher, time } from "./coder.ts";
import { interleave, median, summary } from "./statistics.ts";
import { plainTemplate } from "./templates.ts";

const listed = 10;

/** What our program adds to the start of Node. */
export const commandStart: Bench = {
  name: "command-start",
  title: "`coder --version` and `coder list`",
  async measure(run) {
    const rounds = run.pick(40, 3);
    const { server } = await run.deployment();
    const template = await pushTemplate(server.owner, "plain", plainTemplate);
    const { count } = await server.owner.call(workspaces.getWorkspaces, { query: { q: "owner:me" } });
    for (let n = count; n < listed; n += 1) await createWorkspace(server.owner, template.id, `plain${n}`);
    const commands = [
      { name: "`node -e 0`", program: process.execPath, args: ["-e", "0"] },
      { name: "`coder --version`", program: launcher, args: ["--version"] },
      { name: `\`coder list\`, ${listed} workspaces`, program: launcher, args: ["list"] },
    ].map((command) => ({ ...command, samples: [] as number[] }));
    const turns = commands.map(({ program, args, samples }) => async () => {
      samples.push((await time(program, args, server.clientEnv)).ms);
    });
    await interleave(1, turns);
    for (const { samples } of commands) samples.length = 0;
    await interleave(rounds, turns);
    const [node, version, list] = commands.map(({ samples }) => median(samples));
    const added = (ms: number | undefined) => (ms ?? Number.NaN) - (node ?? Number.NaN);
    return {
      checks: [
        {
          what: "`coder --version` above `node -e 0`, p50",
          measured: added(version),
          target: 80,
          unit: "ms",
        },
        {
          what: `\`coder list\` (${listed} workspaces) above \`node -e 0\`, p50`,
          measured: added(list),
          target: 150,
          unit: "ms",
        },
      ],
      tables: [
        {
          columns: ["ms", "p50", "p99", "samples"],
          rows: commands.map(({ name, samples }) => [name, ...summary(samples)]),
        },
      ],
    };
  },
};
