import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { agents, workspaces } from "@slipway/api";
import { startCoderServer } from "../harness/coder-server.ts";
import { localTemplateWith } from "../harness/local-workspace.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { buildLog, createWorkspace, getAgent, waitForAgent, waitForBuild } from "../harness/workspaces.ts";
import type { Chaos, Scenario } from "./chaos.ts";

const logBytes = 10 * 1024 ** 3;
const longestMs = 60 * 60_000;
/** Server with its daemons, agent: what each may grow to while the output rushes by. */
const memoryLimitMb = 600;
/** Of server and database; a log is 1 MiB, and Postgres writes things several times. */
const diskLimitMb = 256;

const shout = (line: string) => `yes '${line}' | head -c ${logBytes}`;
const shouted = "7".repeat(1_000);

/** A build and a start script that print 10 GB each. */
export const endlessLogs: Scenario = {
  name: "endless-logs",
  title: "a build and a start script print 10 GB each; memory and disk stay as they were",
  seconds: 900,
  async run({ say, defer }) {
    const dir = await mkdtemp(join(tmpdir(), "slipway-chaos-"));
    defer(() => rm(dir, { recursive: true, force: true }));
    const gate = join(dir, "loud");
    const server = await startCoderServer({
      env: { PATH: `${await loudTerraform(dir, gate)}:${process.env.PATH}` },
    });
    defer(() => server.close());
    const { owner } = server;

    const loudBuild = await pushTemplate(owner, "loud-build", {
      "main.tf": 'resource "terraform_data" "one" {}',
    });
    const databaseDir = join(server.configDir, "postgres");
    const diskMb = async () => Math.round((await sizeOf(databaseDir)) / 1024 ** 2);
    const before = await diskMb();
    const beganMs = performance.now();
    await writeFile(gate, "");
    const { latest_build: loud } = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "loud-build", template_id: loudBuild.id, rich_parameter_values: [] },
    });
    const ended = await waitForBuild(owner, loud.id, longestMs);
    assert.equal(ended.job.status, "succeeded", ended.job.error);
    const log = await buildLog(owner, loud.id);
    assert.ok(Buffer.byteLength(log) < 3 * 1024 ** 2);
    assert.match(log, /exceeds|not kept/);
    await rm(gate);
    report("build", [await statusOf(server.pid)], beganMs, say);

    const loudScript = await pushTemplate(owner, "loud-script", await localTemplateWith(shout(shouted)));
    const againMs = performance.now();
    const workspace = await createWorkspace(owner, loudScript.id, "loud-script");
    const agent = await waitForAgent(owner, workspace.id, longestMs);
    await waitFor("the log to be cut", async () => (await getAgent(owner, workspace.id)).logs_overflowed);
    const lines = await owner.call(agents.getAgentLogs, { params: { workspaceagent: agent.id } });
    assert.equal(lines.at(-1)?.output, "The log of this agent exceeds 1 MB. What follows is not kept.");
    // Its processes have numbers of their own where it is sandboxed.
    const asked = await server.coder(["ssh", "loud-script", "--", "cat /proc/$PPID/status"]);
    assert.equal(asked.code, 0, asked.stderr);
    report("start script", [await statusOf(server.pid), asked.stdout], againMs, say);
    const grewMb = (await diskMb()) - before;
    say(`the database grew by ${grewMb} MB`);
    assert.ok(grewMb <= diskLimitMb, `The database grew by ${grewMb} MB.`);
  },
};

function report(what: string, statuses: string[], beganMs: number, say: Chaos["say"]): void {
  const peaks = statuses.map(peakMemoryMb);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  say(`${what}: ${seconds} s, ${peaks.map((mb) => `${mb} MB`).join(" and ")} at most`);
  for (const mb of peaks) assert.ok(mb <= memoryLimitMb, `${what}: a process grew to ${mb} MB.`);
}

const statusOf = (pid: number) => readFile(`/proc/${pid}/status`, "utf8");

/** The most that a process has held, by the kernel's count. */
function peakMemoryMb(status: string): number {
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

async function sizeOf(dir: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    // Postgres removes files meanwhile.
    if (entry.isFile())
      total += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return total;
}

/**
 * A Terraform that prints what a chatty one would before it applies, while `gate` is there. The real one needs a second
 * of processor time for each megabyte that its provisioners print: hours, and no test of ours.
 */
async function loudTerraform(dir: string, gate: string): Promise<string> {
  const real = execFileSync("sh", ["-c", "command -v terraform || command -v tofu"], {
    encoding: "utf8",
  }).trim();
  const line = JSON.stringify({ "@level": "info", "@message": shouted, type: "provision_progress" });
  const bin = join(dir, "bin");
  await mkdir(bin);
  await writeFile(
    join(bin, basename(real)),
    `#!/bin/sh
case "$1" in apply) [ -e '${gate}' ] && ${shout(line)} ;; esac
exec '${real}' "$@"
`,
    { mode: 0o755 },
  );
  return bin;
}
