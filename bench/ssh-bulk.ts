import { once } from "node:events";
import type { Bench } from "./bench.ts";
import { openSession } from "./ssh-session.ts";
import { type SshTarget, startSshd, workspaceTarget } from "./sshd.ts";
import { interleave, median } from "./statistics.ts";

const MiB = 1024 * 1024;
const chunk = Buffer.alloc(256 * 1024);

type Direction = "down" | "up";

/** One SSH session's throughput, counted from when the command on the other side runs. */
export const sshBulk: Bench = {
  name: "ssh-bulk",
  title: "SSH bulk transfer through the relay",
  async measure(run) {
    const mib = run.pick(512, 16);
    const rounds = run.pick(5, 1);
    const ours = workspaceTarget(await run.deployment());
    const sshd = await startSshd();
    try {
      const rates = new Map<string, number[]>();
      const of = (target: SshTarget, direction: Direction) => rates.get(`${target.name} ${direction}`) ?? [];
      const turns = (["down", "up"] as const).flatMap((direction) =>
        [ours, sshd.target].map((target) => async () => {
          const seconds = await (direction === "down" ? down(target, mib) : up(target, mib));
          const name = `${target.name} ${direction}`;
          rates.set(name, [...(rates.get(name) ?? []), (mib * MiB) / 1e6 / seconds]);
        }),
      );
      await interleave(rounds, turns);
      const ratio = (direction: Direction) =>
        median(of(ours, direction)) / median(of(sshd.target, direction));
      const row = (direction: Direction) => [
        direction === "down" ? "from the workspace" : "to the workspace",
        median(of(ours, direction)).toFixed(0),
        median(of(sshd.target, direction)).toFixed(0),
        `${ratio(direction).toFixed(2)} ×`,
      ];
      const check = (what: string, direction: Direction) => ({
        what: `SSH bulk ${what} ÷ loopback sshd`,
        measured: ratio(direction),
        target: 0.6,
        unit: "×" as const,
        isLowerBound: true,
      });
      return {
        checks: [check("from the workspace", "down"), check("to the workspace", "up")],
        tables: [
          { columns: ["MB/s, median", "Slipway", "OpenSSH sshd", "ratio"], rows: [row("down"), row("up")] },
        ],
        notes: [
          `${mib} MiB, ${rounds} interleaved rounds, aes128-gcm@openssh.com, client OpenSSH in both cases.`,
          "Ours is five processes (ssh, `coder ssh --stdio`, server, agent, command), sshd's three.",
        ],
      };
    } finally {
      await sshd.stop();
    }
  },
};

async function down(target: SshTarget, mib: number): Promise<number> {
  // It waits for our line, so that the clock does not begin late.
  const session = await openSession(target, `read -r go; head -c ${mib * MiB} /dev/zero`);
  const startedAt = performance.now();
  session.stdin.end("go\n");
  let received = 0;
  session.stdout.on("data", (data: Buffer) => {
    received += data.length;
  });
  await once(session.stdout, "end");
  const seconds = (performance.now() - startedAt) / 1000;
  if (received !== mib * MiB) throw new Error(`${target.name} sent ${received} of ${mib * MiB} bytes.`);
  return seconds;
}

async function up(target: SshTarget, mib: number): Promise<number> {
  const session = await openSession(target, "wc -c");
  const startedAt = performance.now();
  for (let left = mib * MiB; left > 0; left -= chunk.length) {
    if (!session.stdin.write(chunk)) await once(session.stdin, "drain");
  }
  session.stdin.end();
  let answer = "";
  for await (const data of session.stdout) answer += data;
  const seconds = (performance.now() - startedAt) / 1000;
  if (Number(answer) !== mib * MiB)
    throw new Error(`${target.name} received ${answer} of ${mib * MiB} bytes.`);
  return seconds;
}
