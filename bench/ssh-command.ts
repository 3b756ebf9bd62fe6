import type { Bench } from "./bench.ts";
import { launcher, time } from "./coder.ts";
import { startSshd } from "./sshd.ts";
import { interleave, median, summary } from "./statistics.ts";

/** A command that does nothing, over a connection of its own. */
export const sshCommand: Bench = {
  name: "ssh-command",
  title: "`coder ssh WS -- true`",
  async measure(run) {
    const rounds = run.pick(40, 2);
    const { server, workspace } = await run.deployment();
    const sshd = await startSshd();
    try {
      const ours: number[] = [];
      const theirs: number[] = [];
      const coder = async () => (await time(launcher, ["ssh", workspace, "--", "true"], server.clientEnv)).ms;
      const ssh = async () => (await time("ssh", [...sshd.target.args, "true"])).ms;
      await coder();
      await ssh();
      await interleave(rounds, [
        async () => void ours.push(await coder()),
        async () => void theirs.push(await ssh()),
      ]);
      const ratio = median(ours) / median(theirs);
      return {
        checks: [
          { what: "`coder ssh WS -- true` ÷ `ssh` to loopback sshd", measured: ratio, target: 2, unit: "×" },
        ],
        tables: [
          {
            columns: ["ms", "p50", "p99", "samples"],
            rows: [
              ["`coder ssh WS -- true`", ...summary(ours)],
              ["`ssh 127.0.0.1 true`", ...summary(theirs)],
            ],
          },
        ],
      };
    } finally {
      await sshd.stop();
    }
  },
};
