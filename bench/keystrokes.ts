import { spawn } from "node:child_process";
import { once } from "node:events";
import { cleanEnvironment } from "../test/harness/coder-process.ts";
import type { Bench } from "./bench.ts";
import { openSession, type SshSession } from "./ssh-session.ts";
import { type SshTarget, startSshd, workspaceTarget } from "./sshd.ts";
import { interleave, percentile, summary } from "./statistics.ts";

/** One byte into a terminal and back, in an open session, idle and while another session moves all it can. */
export const keystrokes: Bench = {
  name: "keystrokes",
  title: "Keystroke echo through the relay",
  async measure(run) {
    const rounds = run.pick(10, 1);
    const perRound = run.pick(100, 10);
    const ours = workspaceTarget(await run.deployment());
    const sshd = await startSshd();
    const targets = [ours, sshd.target];
    const sessions: SshSession[] = [];
    try {
      for (const target of targets) {
        sessions.push(await openSession(target, "exec cat", { hasTerminal: true }));
      }
      for (const { stdin, stdout } of sessions) {
        // The first ones compile code.
        for (let i = 0; i < 20; i += 1) await echo(stdin, stdout);
      }
      const samples = new Map<string, number[]>();
      const of = (target: SshTarget, isBeside: boolean) => {
        const key = `${target.name} ${isBeside}`;
        const found = samples.get(key) ?? [];
        samples.set(key, found);
        return found;
      };
      const turns = [false, true].flatMap((isBeside) =>
        targets.map((target, index) => async () => {
          const session = sessions[index];
          if (session === undefined) return;
          const stopBulk = isBeside ? await startBulk(target) : null;
          const into = of(target, isBeside);
          for (let i = 0; i < perRound; i += 1) into.push(await echo(session.stdin, session.stdout));
          await stopBulk?.();
        }),
      );
      await interleave(rounds, turns);
      const added = (share: number, isBeside: boolean) =>
        percentile(of(ours, isBeside), share) - percentile(of(sshd.target, isBeside), share);
      const check = (name: string, share: number, isBeside: boolean, target: number) => ({
        what: `Keystroke echo ${isBeside ? "beside a bulk stream" : "idle"}, ${name} above loopback sshd`,
        measured: added(share, isBeside),
        target,
        unit: "ms" as const,
      });
      return {
        checks: [false, true].flatMap((isBeside) => [
          check("p50", 0.5, isBeside, 1),
          check("p99", 0.99, isBeside, 10),
        ]),
        tables: [
          {
            columns: ["ms", "p50", "p99", "samples"],
            rows: [false, true].flatMap((isBeside) =>
              targets.map((target) => [
                `${target.name}, ${isBeside ? "beside bulk" : "idle"}`,
                ...summary(of(target, isBeside), 2),
              ]),
            ),
          },
        ],
        notes: ["The bulk stream is a second SSH session of the same kind that reads zeros without a limit."],
      };
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
      await sshd.stop();
    }
  },
};

async function echo(stdin: SshSession["stdin"], stdout: SshSession["stdout"]): Promise<number> {
  while (stdout.read() !== null); // Nothing of before shall be taken for the answer.
  const startedAt = performance.now();
  stdin.write("k");
  await once(stdout, "readable");
  return performance.now() - startedAt;
}

async function startBulk(target: SshTarget): Promise<() => Promise<void>> {
  // Straight to /dev/null: this process shall have nothing to do with the bytes. It says on stderr that it runs.
  const child = spawn("ssh", [...target.args, "echo ready >&2; exec cat /dev/zero"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...cleanEnvironment(), ...target.env },
  });
  const exited = once(child, "exit");
  await Promise.race([once(child.stderr, "data"), exited]);
  if (child.exitCode !== null) throw new Error(`The bulk stream to ${target.name} ended.`);
  return async () => {
    child.kill();
    await exited;
  };
}
