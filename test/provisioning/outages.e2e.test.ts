import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Carrier } from "@slipway/mux";
import { createEchoEngine, type Daemon, type EchoScript, startDaemon } from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readJobLogs } from "../../packages/server/src/jobs/read-job-logs.ts";
import { createReaperPass, reapJobs } from "../../packages/server/src/jobs/reaper.ts";
import {
  createQueueFixture,
  type QueueFixture,
} from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import {
  createProvisioners,
  type Provisioners,
} from "../../packages/server/src/provisioners/provisioners.ts";
import { cuttablePostgres } from "./cuttable-postgres.ts";

const leaseMs = 2_000;
const log = { debug() {}, info() {}, warn() {} };
const postgres = cuttablePostgres();
let fixture: QueueFixture;
let provisioners: Provisioners;
let scratch: string;
const daemons: Daemon[] = [];

beforeAll(async () => {
  fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: leaseMs }, connectBy: postgres.url });
  provisioners = createProvisioners(fixture.deps);
  scratch = await mkdtemp(join(tmpdir(), "slipway-outage-"));
});
afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.stop("force")));
});
afterAll(async () => {
  await provisioners.close();
  await fixture.close();
  await postgres.close();
  await rm(scratch, { recursive: true, force: true });
});

/** A daemon whose way to the server can be cut. */
function start() {
  const carriers: Carrier[] = [];
  let isCut = false;
  const daemon = startDaemon({
    async connect() {
      if (isCut) throw new Error("no route to the server");
      const carrier = await provisioners.connectBuiltinDaemon();
      carriers.push(carrier);
      return carrier;
    },
    name: "echo-1",
    version: "test",
    tags: {},
    engines: [createEchoEngine()],
    cacheDir: scratch,
    log,
    signal: new AbortController().signal,
  });
  daemons.push(daemon);
  return {
    daemon,
    cut() {
      isCut = true;
      for (const carrier of carriers) carrier.terminate();
    },
    restore() {
      isCut = false;
    },
  };
}

const state = (serial: number) => ({ version: 4, lineage: "one", serial, resources: [] });

async function buildOf(script: EchoScript) {
  const archive = await writeTar([
    { path: "echo.json", type: "file", data: Buffer.from(JSON.stringify(script)), mode: 0o644 },
  ]);
  const { job, versionId } = await fixture.postImport(archive);
  expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded" });
  const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
  return { ...(await fixture.postBuild(workspaceId, versionId)), versionId };
}

describe("while the server cannot be reached", () => {
  test("a daemon interrupts its job before the lease ends, and hands in the state when it is back, before its next job", async () => {
    const connection = start();
    const { job, build, versionId, workspaceId } = await buildOf({
      start: [
        { log: "begun" },
        { state: state(1) },
        { waitFor: "interrupt" },
        { fail: "interrupted", state: state(2) },
      ],
    });
    await vi.waitFor(async () => expect(await fixture.state(build.id)).toMatchObject({ serial: 1 }), {
      timeout: 10_000,
    });
    connection.cut();
    await vi.waitFor(() => expect(connection.daemon.activeJobs).toBe(0), { timeout: 20_000 });
    const waiting = join(scratch, "pending");
    await vi.waitFor(() => expect(existsSync(waiting) ? readdirSync(waiting) : []).toHaveLength(1), {
      timeout: 10_000,
    });

    await reapJobs(fixture.deps, { leaseMs, pendingTimeoutMs: 0 }, new Date(Date.now() + 60_000));
    expect(await fixture.job(job.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("stopped answering"),
    });
    // The same daemon takes it, with what the first one reached.
    const next = await fixture.postBuild(workspaceId, versionId, { transition: "stop" });
    connection.restore();
    await vi.waitFor(async () => expect(await fixture.state(build.id)).toMatchObject({ serial: 2 }), {
      timeout: 20_000,
    });
    await vi.waitFor(() => expect(readdirSync(waiting)).toEqual([]), { timeout: 10_000 });
    expect(await fixture.waitForJob(next.job.id)).toMatchObject({ status: "succeeded" });
    expect(await fixture.state(next.build.id)).toMatchObject({ serial: 2 });
  });
});

describe("when the server stops in order and starts again", () => {
  test("a job of a daemon that outlives it goes on", async () => {
    start();
    const file = join(scratch, "server-is-back");
    const { job } = await buildOf({ start: [{ log: "before" }, { waitForFile: file }, { log: "after" }] });
    await fixture.waitUntil(job.id, async () => ((await fixture.job(job.id)).next_log_seq > 1 ? true : null));
    const { epoch } = await fixture.job(job.id);
    await provisioners.close();
    provisioners = createProvisioners(fixture.deps);
    await reapJobs(fixture.deps, { leaseMs, pendingTimeoutMs: 0 }, new Date());
    await writeFile(file, "");
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded", epoch });
    const lines = await readJobLogs(fixture.deps.db, job.id);
    expect(lines.map(({ output }) => output)).toEqual(["before", "after"]);
  });
});

describe.each(["away", "frozen"] as const)("while Postgres is %s", (how) => {
  test("a job goes on far beyond its lease, and nothing of it is lost", async () => {
    start();
    const dir = await mkdtemp(join(scratch, "outage-"));
    const file = join(dir, "postgres-is-back");
    const reaper = createReaperPass();
    const { job, build } = await buildOf({
      start: [
        { log: "before" },
        { waitForFile: join(dir, "cut") },
        { log: "meanwhile" },
        { state: state(5) },
        { waitForFile: file },
        { log: "after" },
      ],
    });
    await fixture.waitUntil(job.id, async () => ((await fixture.job(job.id)).next_log_seq > 1 ? true : null));
    const leaseUntil = (await fixture.job(job.id)).lease_until?.getTime() ?? 0;
    if (how === "away") await postgres.cut();
    else postgres.freeze();
    await writeFile(join(dir, "cut"), "");
    // The server answers renewals with "hold".
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(leaseUntil + 2 * leaseMs), { timeout: 30_000 });
    await postgres.restore();
    // A reaper that has just got its database back does not judge by leases that nobody could renew.
    await vi.waitFor(() => expect(fixture.deps.events.listeningForMs()).not.toBeNull(), { timeout: 20_000 });
    await reaper.runOnce(fixture.deps, new Date());
    await writeFile(file, "");
    await vi.waitFor(async () => expect((await fixture.job(job.id)).completed_at).not.toBeNull(), {
      timeout: 30_000,
    });
    expect(await fixture.job(job.id)).toMatchObject({ status: "succeeded" });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 5 });
    const lines = await readJobLogs(fixture.deps.db, job.id);
    expect(lines.map(({ output }) => output)).toEqual(["before", "meanwhile", "after"]);
  });
});
