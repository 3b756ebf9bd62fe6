import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, statfs, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { agents, builds, workspaces } from "@slipway/api";
import { afterEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { createTestDatabase } from "../../packages/server/src/db/testing/test-database.ts";
import { keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { newEncryptionKey, sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { createLedger, type Ledger, ledgerTemplate } from "../harness/ledger.ts";
import { createLocalWorkspace, localTemplateWith } from "../harness/local-workspace.ts";
import { expectRefusal, rawRequest } from "../harness/raw-request.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import {
  build,
  buildLog,
  createWorkspace,
  getAgent,
  stateOf,
  waitForAgent,
  waitForBuild,
} from "../harness/workspaces.ts";
import { cuttablePostgres } from "../provisioning/cuttable-postgres.ts";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Outlives the server, which destroys its steps; whoever waits at the gate goes first. */
async function startLedger(): Promise<Ledger> {
  const ledger = await createLedger();
  cleanUps.push(() => ledger.remove());
  return ledger;
}

describe("Postgres gone for longer than a job's lease", () => {
  test("requests answer 503, a shell and a build go on, and nothing is lost", async () => {
    const database = await createTestDatabase({ migrated: false });
    cleanUps.push(() => database.drop());
    const postgres = cuttablePostgres();
    cleanUps.push(() => postgres.close());
    const ledger = await startLedger();
    const server = await startCoderServer({
      env: {
        CODER_PG_CONNECTION_URL: await postgres.url(database.url),
        CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
        CODER_PROVISIONER_JOB_LEASE: "4s",
      },
    });
    cleanUps.push(() => server.close());
    const { owner } = server;
    const local = await createLocalWorkspace(server);
    cleanUps.push(() => ledger.openGate());
    const template = await pushTemplate(owner, "ledger", ledgerTemplate);
    const shell = spawnCoder(["ssh", "dev", "--", "cat"], server.clientEnv, { stdio: "pipe" });
    cleanUps.push(() => shell.kill());
    const echoed = keepOutput(shell.stdout);
    shell.stdin?.write("before\n");
    await waitFor("the shell", () => echoed.text() === "before\n");
    const busy = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "busy", template_id: template.id, rich_parameter_values: ledger.parameters },
    });
    await ledger.reachGate();

    await postgres.cut();
    const asked = await rawRequest(server.url, "/api/v2/workspaces", { token: server.ownerToken });
    expectRefusal(asked, 503);
    expect(asked.headers.get("retry-after")).toMatch(/^\d+$/);
    shell.stdin?.write("during\n");
    await waitFor("the shell to go on", () => echoed.text() === "before\nduring\n");
    await delay(6_000);
    // The build makes its last steps while nobody can be told of them.
    await ledger.openGate();
    await waitFor("the last step", async () => (await ledger.lines()).includes("create three"));
    await postgres.restore();

    expect(await waitForBuild(owner, busy.latest_build.id)).toMatchObject({ job: { status: "succeeded" } });
    expect(await ledger.lines()).toEqual(["create one", "begin two", "create two", "create three"]);
    await waitForAgent(owner, local.id);
    shell.stdin?.end("after\n");
    await waitFor("the shell to end", () => echoed.text() === "before\nduring\nafter\n");
  });
});

describe("a build that prints without end", () => {
  test("is cut in the log and goes on, and a client that reads nothing holds nothing up", async () => {
    const server = await startCoderServer();
    cleanUps.push(() => server.close());
    const { owner } = server;
    const template = await pushTemplate(owner, "loud", {
      "main.tf": `
resource "terraform_data" "loud" {
  provisioner "local-exec" {
    command = "yes 'all work and no play makes a long log' | head -c 3000000"
  }
}
`,
    });
    const workspace = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "loud", template_id: template.id },
    });
    const seen: number[] = [];
    const follow = () => {
      const { url, headers } = owner.webSocket(builds.getBuildLogs, {
        params: { workspacebuild: workspace.latest_build.id },
        query: { follow: true, ...(seen.length > 0 ? { after: seen.at(-1) } : {}) },
      });
      const socket = new WebSocket(url, { headers });
      socket.on("message", (data) => seen.push(JSON.parse(String(data)).id));
      return { socket, code: new Promise<number>((resolve) => socket.once("close", resolve)) };
    };
    const lazy = follow();
    lazy.socket.on("open", () => lazy.socket.pause());
    const ended = await waitForBuild(owner, workspace.latest_build.id);
    expect(ended.job).toMatchObject({ status: "succeeded" });
    const log = await buildLog(owner, ended.id);
    expect(Buffer.byteLength(log)).toBeLessThan(3 * 1024 * 1024);
    expect(log).toMatch(/truncated|too long|limit|exceed/i);
    lazy.socket.resume();
    // One that reads nothing does not answer either: on a slow machine it is taken for gone, and has to come back.
    if ((await lazy.code) !== 1000) expect(await follow().code).toBe(1000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(log.trimEnd().split("\n").length);
  });
});

describe("a start script that prints without end", () => {
  test("is cut in the agent's log, and the workspace is ready", async () => {
    const server = await startCoderServer();
    cleanUps.push(() => server.close());
    const { owner } = server;
    const script = "yes $(printf %0200d 7) | head -c 5000000";
    const template = await pushTemplate(owner, "loud", await localTemplateWith(script));
    const workspace = await createWorkspace(owner, template.id, "loud");
    const agent = await waitForAgent(owner, workspace.id);
    // Lines arrive behind the state.
    await waitFor("the log to be cut", async () => (await getAgent(owner, workspace.id)).logs_overflowed, {
      timeoutMs: 30_000,
    });
    const lines = await owner.call(agents.getAgentLogs, { params: { workspaceagent: agent.id } });
    const bytes = lines.reduce((total, { output }) => total + Buffer.byteLength(output), 0);
    expect(bytes).toBeLessThan(1024 * 1024 + 200);
    expect(lines.at(-1)?.output).toBe("The log of this agent exceeds 1 MB. What follows is not kept.");
    const answered = await server.coder(["ssh", "loud", "--", "echo still here"]);
    expect(answered).toMatchObject({ code: 0, stdout: "still here\n" });
  });
});

describe("a disk that is full while Terraform writes its state", () => {
  const missing = process.getuid?.() === 0 ? "" : " (cannot be tried: mounting a small disk needs root)";

  test.skipIf(missing !== "")(`fails the build with the reason and keeps the state${missing}`, async () => {
    const cache = await mkdtemp(join(tmpdir(), "slipway-full-"));
    cleanUps.push(() => rm(cache, { recursive: true, force: true }));
    const ledger = await startLedger();
    const disk = join(cache, "provisioner/work");
    await mkdir(disk, { recursive: true });
    await symlink(join(sharedCacheDir, "provisioner/mirror"), join(cache, "provisioner/mirror"));
    await symlink(join(sharedCacheDir, "binaries"), join(cache, "binaries"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", disk]);
    cleanUps.push(() => execFileSync("umount", ["--lazy", disk]));
    const server = await startCoderServer({ env: { CODER_CACHE_DIRECTORY: cache } });
    cleanUps.push(() => server.close());
    const { owner } = server;
    cleanUps.push(() => ledger.openGate());
    // Larger than what Terraform gives free when it writes its state anew.
    const big = `
resource "terraform_data" "big" {
  input      = join("", [for i in range(1024) : format("%0256d", i)])
  depends_on = [terraform_data.two]
}
`;
    const template = await pushTemplate(owner, "ledger", { ...ledgerTemplate, "big.tf": big });
    const workspace = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "full", template_id: template.id, rich_parameter_values: ledger.parameters },
    });
    await ledger.reachGate();
    const buildId = workspace.latest_build.id;
    const held = () => stateOf(owner, buildId).catch((): string[] => []);
    await waitFor("the first step to be uploaded", async () => (await held()).includes("terraform_data.one"));
    const filler = await fill(disk);
    await ledger.openGate();

    const ended = await waitForBuild(owner, buildId);
    await filler.stop();
    expect(ended.job.status).toBe("failed");
    expect(`${ended.job.error}\n${await buildLog(owner, buildId)}`).toMatch(/no space left on device/i);
    expect(await held()).toContain("terraform_data.one");

    const started = await build(owner, workspace.id, "start");
    expect(await stateOf(owner, started.id)).toHaveLength(5);
    expect((await ledger.lines()).filter((line) => line === "create one")).toHaveLength(1);
  });

  /** Fills the disk and keeps it full: what others delete there meanwhile is taken at once. */
  async function fill(dir: string): Promise<{ stop(): Promise<void> }> {
    const script = "while :; do dd if=/dev/zero bs=512 2>/dev/null; sleep 0.02; done >>filler";
    const child = spawn("/bin/sh", ["-c", script], { cwd: dir, stdio: "ignore", detached: true });
    const ended = once(child, "exit");
    await waitFor("the disk to be full", async () => (await statfs(dir)).bavail === 0);
    return {
      async stop() {
        // With its dd.
        process.kill(-(child.pid ?? 0), "SIGKILL");
        await ended;
        await rm(join(dir, "filler"), { force: true });
      },
    };
  }
});
