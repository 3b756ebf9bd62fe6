import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { agents, workspaces } from "@slipway/api";
import { startCoderServer } from "../harness/coder-server.ts";
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

const shout = (lineBytes: number) => `yes "$(printf %0${lineBytes}d 7)" | head -c ${logBytes}`;
/** Terraform passes less than 1 MB a second of short lines on, and would take hours. */
const buildOutput = shout(16_000);
const scriptOutput = shout(200);

/** A build and a start script that print 10 GB each. */
export const endlessLogs: Scenario = {
  name: "endless-logs",
  title: "a build and a start script print 10 GB each; memory and disk stay as they were",
  async run({ say, defer }) {
    const server = await startCoderServer();
    defer(() => server.close());
    const { owner } = server;

    const loudBuild = await pushTemplate(owner, "loud-build", {
      "main.tf": `
resource "terraform_data" "loud" {
  provisioner "local-exec" {
    command = <<-EOT
      ${buildOutput}
    EOT
  }
}
`,
    });
    const databaseDir = join(server.configDir, "postgres");
    const diskMb = async () => Math.round((await sizeOf(databaseDir)) / 1024 ** 2);
    const before = await diskMb();
    const beganMs = performance.now();
    const { latest_build: loud } = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "loud-build", template_id: loudBuild.id, rich_parameter_values: [] },
    });
    const ended = await waitForBuild(owner, loud.id, longestMs);
    assert.equal(ended.job.status, "succeeded", ended.job.error);
    const log = await buildLog(owner, loud.id);
    assert.ok(Buffer.byteLength(log) < 3 * 1024 ** 2);
    assert.match(log, /exceeds|not kept/);
    report("build", [await statusOf(server.pid)], beganMs, say);

    const local = join(import.meta.dirname, "../../examples/local");
    const names = (await readdir(local)).filter((name) => !name.endsWith(".md"));
    const files = await Promise.all(
      names.map(async (name) => [name, await readFile(join(local, name), "utf8")] as const),
    );
    const loudScript = await pushTemplate(owner, "loud-script", {
      ...Object.fromEntries(files),
      "loud.tf": `
resource "coder_script" "loud" {
  agent_id     = coder_agent.main.id
  display_name = "Loud"
  run_on_start = true
  script       = <<-EOT
    ${scriptOutput}
  EOT
}
`,
    });
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
