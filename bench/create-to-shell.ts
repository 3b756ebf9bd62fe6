import type { Bench } from "./bench.ts";
import { launcher, time } from "./coder.ts";
import { percentile, summary } from "./statistics.ts";

/** What somebody waits for who makes a workspace and wants to work in it: two commands, one after the other. */
export const createToShell: Bench = {
  name: "create-to-shell",
  title: "`coder create` to the end of `coder ssh WS -- true`",
  async measure(run) {
    const rounds = run.pick(20, 1);
    const { server } = await run.deployment();
    const create: number[] = [];
    const ssh: number[] = [];
    // The first one only warms up.
    for (let round = -1; round < rounds; round += 1) {
      const name = `shell${round + 1}`;
      const words = ["create", name, "--template", "local", "--use-parameter-defaults", "--yes"];
      const created = await time(launcher, words, server.clientEnv);
      const connected = await time(launcher, ["ssh", name, "--", "true"], server.clientEnv);
      await time(launcher, ["delete", name, "--yes"], server.clientEnv);
      if (round < 0) continue;
      create.push(created.ms);
      ssh.push(connected.ms);
    }
    const both = create.map((ms, index) => ms + (ssh[index] ?? 0));
    const check = (name: string, share: number, target: number) => ({
      what: `\`coder create\` to first output of \`coder ssh\`, ${name}`,
      measured: percentile(both, share) / 1000,
      target,
      unit: "s" as const,
    });
    return {
      checks: [check("p50", 0.5, 2), check("p99", 0.99, 4)],
      tables: [
        {
          columns: ["ms", "p50", "p99", "samples"],
          rows: [
            ["both commands", ...summary(both)],
            ["`coder create`, which waits for the agent", ...summary(create)],
            ["`coder ssh WS -- true`", ...summary(ssh)],
          ],
        },
      ],
    };
  },
};
