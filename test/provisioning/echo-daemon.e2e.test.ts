import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Carrier } from "@slipway/mux";
import {
  createEchoEngine,
  type Daemon,
  type DaemonOptions,
  type EchoScript,
  startDaemon,
} from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { cancelJob } from "../../packages/server/src/jobs/cancel-job.ts";
import { readJobLogs } from "../../packages/server/src/jobs/read-job-logs.ts";
import { reapJobs } from "../../packages/server/src/jobs/reaper.ts";
import {
  createQueueFixture,
  type QueueFixture,
} from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import {
  createProvisioners,
  type Provisioners,
} from "../../packages/server/src/provisioners/provisioners.ts";

const log = { debug() {}, info() {}, warn() {} };
const tokens = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];

let fixture: QueueFixture;
let provisioners: Provisioners;
let cacheDir: string;
const daemons: Daemon[] = [];

beforeAll(async () => {
  fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: 3_000 } });
  provisioners = createProvisioners(fixture.deps);
  cacheDir = await mkdtemp(join(tmpdir(), "slipway-echo-"));
});

afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.stop("force")));
});

afterAll(async () => {
  await provisioners.close();
  await fixture.close();
  await rm(cacheDir, { recursive: true, force: true });
});

function start(options: Partial<DaemonOptions> = {}): Daemon {
  const daemon = startDaemon({
    connect: () => provisioners.connectBuiltinDaemon(),
    name: "echo-1",
    version: "test",
    tags: {},
    engines: [createEchoEngine()],
    cacheDir,
    log,
    signal: new AbortController().signal,
    ...options,
  });
  daemons.push(daemon);
  return daemon;
}

function archive(script: EchoScript): Promise<Buffer> {
  return writeTar([
    { path: "echo.json", type: "file", data: Buffer.from(JSON.stringify(script)), mode: 0o644 },
  ]);
}

/** A template whose import has succeeded, and a workspace of it. */
async function workspaceOf(script: EchoScript) {
  const { job, versionId } = await fixture.postImport(await archive(script));
  expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded" });
  const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
  return { versionId, workspaceId };
}

const logsOf = async (jobId: string) => readJobLogs(fixture.deps.db, jobId);
const state = (serial: number) => ({ version: 4, lineage: "one", serial, resources: [] });

describe("a daemon with the echo engine", () => {
  test("imports a version and builds a workspace of it", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      readme: "# Hello",
      variables: [
        { name: "zone", required: true, defaultValue: "" },
        { name: "size", defaultValue: "small" },
      ],
      import: [
        { log: "reading", stage: "Planning Infrastructure" },
        {
          complete: {
            richParameters: [{ name: "cpus", type: "number", mutable: true, defaultValue: "2" }],
            lockFile: "locked",
          },
        },
      ],
      start: [
        { log: "creating" },
        { state: state(1) },
        {
          complete: {
            resources: [
              {
                name: "main",
                type: "docker_container",
                dailyCost: 3,
                metadata: [
                  { key: "ip", value: "10.0.0.1" },
                  { key: "none", isNull: true },
                ],
                agents: [
                  {
                    name: "dev",
                    operatingSystem: "linux",
                    architecture: "amd64",
                    token: tokens[0]!,
                    env: { A: "own" },
                    extraEnvs: [
                      { name: "A", value: "extra" },
                      { name: "PATH", value: "/a" },
                      { name: "PATH", value: "/b", mergeStrategy: "append" },
                    ],
                    apps: [{ slug: "code", url: "http://localhost:1" }],
                    scripts: [{ displayName: "Setup", script: "true", runOnStart: true }],
                    metadata: [{ key: "load", displayName: "Load", script: "uptime", intervalSeconds: 5 }],
                  },
                ],
              },
            ],
          },
        },
      ],
    });
    const version = await fixture.deps.db
      .selectFrom("template_versions")
      .selectAll()
      .where("id", "=", versionId)
      .executeTakeFirstOrThrow();
    expect(version).toMatchObject({ readme: "# Hello", lock_file: "locked" });

    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(job.id)).toMatchObject({
      status: "succeeded",
      daemon_name: "echo-1",
      error: null,
    });

    const { db } = fixture.deps;
    const agent = await db
      .selectFrom("workspace_agents")
      .selectAll()
      .where("build_id", "=", build.id)
      .executeTakeFirstOrThrow();
    expect(agent).toMatchObject({
      name: "dev",
      workspace_id: workspaceId,
      environment_variables: { A: "own", PATH: "/a:/b" },
    });
    expect(agent.token_hash?.toString("hex")).not.toContain(tokens[0]);
    expect(
      await db.selectFrom("workspace_apps").select("slug").where("agent_id", "=", agent.id).execute(),
    ).toEqual([{ slug: "code" }]);
    expect(
      await db
        .selectFrom("workspace_builds")
        .select(["daily_cost", "finished_at"])
        .where("id", "=", build.id)
        .executeTakeFirst(),
    ).toEqual({ daily_cost: 3, finished_at: expect.any(Date) });
    expect(await fixture.state(build.id)).toMatchObject({ lineage: "one", serial: 1 });
    expect((await logsOf(job.id)).map(({ id, output }) => [id, output])).toEqual([[1, "creating"]]);
  });

  test("a failed build says why, keeps the state it reached, and leaves the workspace usable", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [{ state: state(1) }, { fail: "no such image", state: state(2) }],
      stop: [{ complete: {} }],
    });
    const failed = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(failed.job.id)).toMatchObject({
      status: "failed",
      error: "no such image",
    });
    expect(await fixture.state(failed.build.id)).toMatchObject({ serial: 2 });
    expect((await logsOf(failed.job.id)).at(-1)).toMatchObject({
      log_level: "error",
      output: "no such image",
    });

    const stop = await fixture.postBuild(workspaceId, versionId, { transition: "stop" });
    expect(await fixture.waitForJob(stop.job.id)).toMatchObject({ status: "succeeded" });
    expect(await fixture.state(stop.build.id)).toMatchObject({ serial: 2 });
  });

  test.each([
    { what: "stored", mebibytes: 61 },
    { what: "sent", mebibytes: 65 },
  ])(
    "a state too large to be $what ends the build with the reason, and is kept by the daemon",
    async ({ mebibytes }) => {
      const ownCache = join(cacheDir, `large-${mebibytes}`);
      const text = JSON.stringify({
        ...state(1),
        outputs: { a: { value: "x".repeat(mebibytes * 1024 * 1024) } },
      });
      const build = async () => ({ state: Buffer.from(text), resources: [], timings: [] });
      start({ engines: [{ ...createEchoEngine(), build }], cacheDir: ownCache });
      const { versionId, workspaceId } = await workspaceOf({});
      const posted = await fixture.postBuild(workspaceId, versionId);
      expect(await fixture.waitForJob(posted.job.id)).toMatchObject({
        status: "failed",
        error: expect.stringMatching(
          /^The state that the build reached has \d+ bytes, more than can be stored/,
        ),
      });
      await vi.waitFor(
        async () => {
          const [file = ""] = await readdir(join(ownCache, "pending"));
          expect(file).toMatch(/\.tfstate$/);
          expect((await stat(join(ownCache, "pending", file))).size).toBe(Buffer.byteLength(text));
        },
        { timeout: 30_000 },
      );
    },
  );

  test("a deleted workspace is marked so, and its agents with it", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [
        { complete: { resources: [{ name: "x", type: "y", agents: [{ name: "dev", token: tokens[1]! }] }] } },
      ],
    });
    await fixture.waitForJob((await fixture.postBuild(workspaceId, versionId)).job.id);
    await fixture.waitForJob(
      (await fixture.postBuild(workspaceId, versionId, { transition: "delete" })).job.id,
    );
    const { db } = fixture.deps;
    expect(
      await db.selectFrom("workspaces").select("deleted").where("id", "=", workspaceId).executeTakeFirst(),
    ).toEqual({ deleted: true });
    expect(
      await db
        .selectFrom("workspace_agents")
        .select("deleted")
        .where("workspace_id", "=", workspaceId)
        .execute(),
    ).toEqual([{ deleted: true }]);
  });

  test("an agent's token must be a UUID: the build fails, with its state", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [
        { state: state(7) },
        {
          complete: { resources: [{ name: "x", type: "y", agents: [{ name: "dev", token: "swordfish" }] }] },
        },
      ],
    });
    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(job.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining('"dev" is not a UUID'),
    });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 7 });
  });

  test("a canceled build is interrupted and ends as canceled", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [{ log: "waiting" }, { state: state(3) }, { waitForFile: join(cacheDir, "never") }],
    });
    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    await fixture.waitUntil(job.id, async () => ((await fixture.job(job.id)).next_log_seq > 1 ? true : null));
    await cancelJob(fixture.deps, job.id);
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "canceled", error: null });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 3 });
    expect((await logsOf(job.id)).at(-1)).toMatchObject({ output: "The job was canceled." });
  });

  test("a job goes on over a lost connection, without gaps or doubles in its log", async () => {
    const carriers: Carrier[] = [];
    const file = join(cacheDir, "go-on");
    start({
      async connect() {
        const carrier = await provisioners.connectBuiltinDaemon();
        carriers.push(carrier);
        return carrier;
      },
    });
    const { versionId, workspaceId } = await workspaceOf({
      start: [{ log: "a", times: 250 }, { waitForFile: file }, { log: "b", times: 250 }],
    });
    const { job } = await fixture.postBuild(workspaceId, versionId);
    await fixture.waitUntil(job.id, async () =>
      (await fixture.job(job.id)).next_log_seq > 100 ? true : null,
    );
    carriers.at(-1)?.terminate();
    await writeFile(file, "");
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded" });
    const lines = await logsOf(job.id);
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(lines.map(({ output }) => output).join("")).toBe("a".repeat(250) + "b".repeat(250));
  });

  test("endless output is cut after 1 MiB, and the job goes on", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [{ log: "x".repeat(1_000), times: 5_000 }, { complete: {} }],
    });
    const { job } = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(job.id)).toMatchObject({
      status: "succeeded",
      logs_overflowed: true,
      logs_bytes: 1_048_000,
    });
    const lines = await logsOf(job.id);
    expect(lines).toHaveLength(1_049);
    expect(lines.at(-1)).toMatchObject({
      log_level: "warn",
      output: expect.stringContaining("exceeded 1 MB"),
    });
  });

  test("drain ends the daemon after its job, interrupt ends the job", async () => {
    const file = join(cacheDir, "drained");
    const first = start();
    const { versionId, workspaceId } = await workspaceOf({
      start: [{ waitForFile: file }],
      stop: [{ waitForFile: join(cacheDir, "never") }],
    });
    const running = await fixture.postBuild(workspaceId, versionId);
    await vi.waitUntil(() => first.activeJobs > 0);
    const drained = first.stop("drain");
    await writeFile(file, "");
    await drained;
    expect(await fixture.job(running.job.id)).toMatchObject({ status: "succeeded" });

    const second = start();
    const stopping = await fixture.postBuild(workspaceId, versionId, { transition: "stop" });
    await vi.waitUntil(() => second.activeJobs > 0);
    await second.stop("interrupt");
    expect(await fixture.job(stopping.job.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("shut down gracefully"),
    });
  });

  test.each([
    ["in the same moment", (lose: () => void) => lose()],
    ["a moment later", (lose: () => void) => void setImmediate(lose)],
  ])("a job that reaches a frozen daemon late, its connection lost %s, is not begun", async (_when, soon) => {
    const begun: string[] = [];
    const said: string[] = [];
    const echo = createEchoEngine();
    const own = heldBack(await provisioners.connectBuiltinDaemon());
    const connections = [own.carrier];
    const frozen = start({
      name: "frozen",
      async connect(signal) {
        // There is one connection; what the daemon says after it was frozen reaches nobody.
        return connections.shift() ?? new Promise((_, reject) => signal.addEventListener("abort", reject));
      },
      engines: [
        {
          ...echo,
          build(input, run) {
            begun.push(run.jobId);
            return echo.build(input, run);
          },
        },
      ],
      log: { ...log, warn: (_fields, message) => said.push(message) },
    });
    const { versionId, workspaceId } = await workspaceOf({ start: [{ state: state(1) }] });
    await vi.waitUntil(() => frozen.activeJobs === 0);
    own.hold();
    const { job } = await fixture.postBuild(workspaceId, versionId);
    await vi.waitUntil(() => own.held().includes(job.id), { timeout: 10_000 });
    const later = new Date(Date.now() + 60_000);
    const reaped = await reapJobs(fixture.deps, { leaseMs: 3_000, pendingTimeoutMs: 0 }, later);
    expect(reaped).toEqual({ failed: [], requeued: [job.id] });
    start({ name: "other" });
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded", daemon_name: "other" });

    own.release(soon);
    const isOver = () => begun.length > 0 || said.some((message) => message.includes("was not begun"));
    await vi.waitUntil(isOver, { timeout: 20_000 });
    expect(begun).toEqual([]);
  });
});

/** A carrier whose receiver can be frozen: what came meanwhile reaches it at once, and then its connection is lost. */
function heldBack(inner: Carrier) {
  let handlers: Parameters<Carrier["start"]>[0] | undefined;
  let held: Uint8Array[] | null = null;
  const carrier: Carrier = {
    send: (message, sent) => inner.send(message, sent),
    get bufferedAmount() {
      return inner.bufferedAmount;
    },
    start(own) {
      handlers = own;
      inner.start({
        message: (message) => (held === null ? own.message(message) : held.push(message)),
        close: (cause) => own.close(cause),
      });
    },
    close: (reason) => inner.close(reason),
    terminate: () => inner.terminate(),
  };
  return {
    carrier,
    hold() {
      held = [];
    },
    held: () => Buffer.concat(held ?? []),
    release(soon: (lose: () => void) => void) {
      for (const message of held ?? []) handlers?.message(message);
      soon(() => {
        inner.terminate();
        handlers?.close(new Error("The connection was lost."));
      });
    },
  };
}
