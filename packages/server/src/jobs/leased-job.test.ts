import { createHash, randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { LogLevel, LogSchema, LogSource } from "@slipway/proto/provisioner";
import {
  CompleteJobRequest_TemplateImportSchema,
  CompleteJobRequest_WorkspaceBuildSchema,
  CompleteJobRequestSchema,
} from "@slipway/proto/provisionerd";
import { writeTar } from "@slipway/template";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acquireJobs } from "./acquire-jobs.ts";
import { cancelJob } from "./cancel-job.ts";
import { completeJob } from "./complete-job.ts";
import { countBuild } from "./count-build.ts";
import { failJob } from "./fail-job.ts";
import { handInState } from "./hand-in-state.ts";
import { jobPayload } from "./job-payload.ts";
import { readKeptState } from "./kept-states.ts";
import { extendLeases, type LeaseRef, renewLease } from "./lease.ts";
import { readLeasedFile } from "./leased-file.ts";
import { maxJobLogBytes, pushLogs } from "./push-logs.ts";
import { readJobLogs } from "./read-job-logs.ts";
import { reapJobs } from "./reaper.ts";
import { createQueueFixture, type QueueFixture, untagged } from "./testing/queue-fixture.ts";
import { maxStateBytes, uploadState } from "./upload-state.ts";

const leaseMs = 15_000;
const reaperOptions = { leaseMs, pendingTimeoutMs: 30 * 60_000 };
let fixture: QueueFixture;
let daemon: { daemonId: string; daemonName: string };
let versionId: string;
const keyId = randomUUID();

beforeAll(async () => {
  fixture = await createQueueFixture();
  const id = randomUUID();
  daemon = { daemonId: id, daemonName: "one" };
  await addKey();
  await fixture.deps.db
    .insertInto("provisioner_daemons")
    .values({
      id,
      organization_id: fixture.organizationId,
      key_id: keyId,
      owner_id: null,
      name: "one",
      api_version: "1.18",
      provisioners: ["echo"],
      tags: JSON.stringify(untagged),
      instance_id: id,
      created_at: new Date(),
      last_seen_at: new Date(),
    })
    .execute();
  const imported = await fixture.postImport(Buffer.from("archive"));
  await failJob(fixture.deps, await take(imported.job.id, true), failure());
  versionId = imported.versionId;
});
afterAll(() => fixture.close());

async function addKey(): Promise<void> {
  await fixture.deps.db
    .insertInto("provisioner_keys")
    .values({
      id: keyId,
      organization_id: fixture.organizationId,
      name: "fleet",
      tags: "{}",
      hashed_secret: Buffer.alloc(32),
      created_at: new Date(),
    })
    .execute();
}

/** Leases the job, which must be the only one in the queue. */
async function take(jobId: string, confirm: boolean): Promise<LeaseRef> {
  const domain = {
    organizationId: fixture.organizationId,
    provisioners: ["echo", "terraform"],
    tags: untagged,
  };
  const [job] = await acquireJobs(fixture.deps.db, domain, [daemon], leaseMs);
  expect(job?.id).toBe(jobId);
  const lease = { jobId, epoch: job!.epoch, daemonId: daemon.daemonId };
  if (confirm) await renewLease(fixture.deps.db, lease, leaseMs);
  return lease;
}

async function runningBuild() {
  const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
  const queued = await fixture.postBuild(workspaceId, versionId);
  return { ...queued, lease: await take(queued.job.id, true) };
}

const failure = (error = "broken") => ({ error, errorCode: "", state: new Uint8Array(), timings: [] });
const line = (output: string) =>
  create(LogSchema, {
    source: LogSource.PROVISIONER,
    level: LogLevel.INFO,
    createdAtMs: 1_000n,
    stage: "Test",
    output,
  });
const stateOf = (serial: number, lineage = "one") => ({
  state: Buffer.from(JSON.stringify({ version: 4, lineage, serial, resources: [] })),
  lineage,
  serial,
});
const logsOf = async (jobId: string) =>
  (await readJobLogs(fixture.deps.db, jobId)).map(({ id, output }) => [id, output]);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const lapsed = () => new Date(Date.now() + leaseMs * 2);
const refused = { code: Code.Aborted };

describe("the epoch fences every write", () => {
  test("a daemon that was frozen and comes back changes nothing", async () => {
    const { job, build, lease } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(5));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const before = await fixture.job(job.id);
    expect(before).toMatchObject({ status: "failed", error: expect.stringContaining("stopped answering") });

    const { deps } = fixture;
    const result = create(CompleteJobRequest_WorkspaceBuildSchema, { state: stateOf(9).state });
    await expect(renewLease(deps.db, lease, leaseMs)).rejects.toMatchObject(refused);
    await expect(pushLogs(deps, lease, 1, [line("late")])).rejects.toMatchObject(refused);
    await expect(uploadState(deps, lease, stateOf(9))).rejects.toMatchObject(refused);
    await expect(completeJob(deps, lease, { case: "workspaceBuild", value: result })).rejects.toMatchObject(
      refused,
    );
    await expect(failJob(deps, lease, failure())).rejects.toMatchObject(refused);
    expect(await fixture.job(job.id)).toEqual(before);
    expect(await fixture.state(build.id)).toMatchObject({ serial: 5 });
  });

  test("another daemon with the right epoch is refused as well", async () => {
    const { lease } = await runningBuild();
    const other = { ...lease, daemonId: randomUUID() };
    await expect(pushLogs(fixture.deps, other, 1, [line("x")])).rejects.toMatchObject(refused);
    await failJob(fixture.deps, lease, failure());
  });
});

describe("logs", () => {
  test("repeated batches make no doubles, and a gap is refused with the number that is due", async () => {
    const { job, lease } = await runningBuild();
    await pushLogs(fixture.deps, lease, 1, [line("a"), line("b")]);
    await pushLogs(fixture.deps, lease, 1, [line("a"), line("b"), line("c")]);
    const gap = await pushLogs(fixture.deps, lease, 5, [line("e")]).catch((error: unknown) => error);
    expect(gap).toMatchObject({ code: Code.OutOfRange });
    expect((gap as { metadata: Headers }).metadata.get("next-log-seq")).toBe("4");
    expect(await logsOf(job.id)).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
    await failJob(fixture.deps, lease, failure());
  });

  test("come with the end of the job, too, and what was stored already comes once", async () => {
    const { job } = await fixture.postImport(Buffer.from("last lines"));
    const lease = await take(job.id, true);
    await pushLogs(fixture.deps, lease, 1, [line("a"), line("b")]);
    const lastLogs = { firstLogSeq: 2n, logs: [line("b"), line("c")] };
    await failJob(fixture.deps, lease, { ...failure(), lastLogs });
    const logs = await readJobLogs(fixture.deps.db, job.id);
    expect(logs.map(({ id, output }) => `${id} ${output}`)).toEqual(["1 a", "2 b", "3 c"]);
  });

  test("exactly 1,048,576 bytes are kept; the line that crosses becomes one warning", async () => {
    const { job, lease } = await runningBuild();
    const half = "ä".repeat(maxJobLogBytes / 4);
    expect(await pushLogs(fixture.deps, lease, 1, [line(half), line(half)])).toEqual({ overflowed: false });
    expect(await pushLogs(fixture.deps, lease, 3, [line("x"), line("y")])).toEqual({ overflowed: true });
    expect(await pushLogs(fixture.deps, lease, 5, [line("z")])).toEqual({ overflowed: true });
    expect(await fixture.job(job.id)).toMatchObject({ logs_bytes: maxJobLogBytes, logs_overflowed: true });
    const lines = await readJobLogs(fixture.deps.db, job.id);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatchObject({
      id: 3,
      log_level: "warn",
      output: expect.stringContaining("exceeded 1 MB"),
    });
    await failJob(fixture.deps, lease, failure());
  });

  test("what Postgres cannot store is left out, not refused", async () => {
    const { job, lease } = await runningBuild();
    await pushLogs(fixture.deps, lease, 1, [line("nul\0 and all")]);
    expect(await logsOf(job.id)).toEqual([[1, "nul and all"]]);
    await failJob(fixture.deps, lease, failure());
  });
});

test("a job ends after it began and was canceled, also by the word of a replica whose clock is off", async () => {
  const off = { ...fixture.deps, clock: { now: () => new Date(0) } };
  const { build, lease } = await runningBuild();
  await cancelJob(off, lease.jobId);
  await failJob(off, lease, failure());
  const { started_at, canceled_at, completed_at } = await fixture.job(lease.jobId);
  expect(canceled_at?.getTime()).toBeGreaterThanOrEqual(started_at?.getTime() ?? Number.NaN);
  expect(completed_at?.getTime()).toBeGreaterThanOrEqual(canceled_at?.getTime() ?? Number.NaN);
  const { finished_at } = await fixture.deps.db
    .selectFrom("workspace_builds")
    .select("finished_at")
    .where("id", "=", build.id)
    .executeTakeFirstOrThrow();
  expect(finished_at?.getTime()).toBeGreaterThanOrEqual(completed_at?.getTime() ?? Number.NaN);
});

describe("state", () => {
  test("is encrypted at rest, and an older snapshot changes nothing", async () => {
    const { build, lease } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await uploadState(fixture.deps, lease, stateOf(2));
    expect(await fixture.state(build.id)).toMatchObject({ serial: 3 });
    const row = await fixture.deps.db
      .selectFrom("workspace_build_states")
      .selectAll()
      .where("build_id", "=", build.id)
      .executeTakeFirstOrThrow();
    expect(row.state.toString("latin1")).not.toContain("lineage");
    await failJob(fixture.deps, lease, failure());
  });

  test("as large as may come in it goes out again, and a larger one is refused", async () => {
    const { lease } = await runningBuild();
    const head = '{"version":4,"lineage":"one","serial":3,"outputs":{"a":{"value":"';
    const tail = '"}}}';
    const largest = Buffer.from(head.padEnd(maxStateBytes - tail.length, "x") + tail);
    await uploadState(fixture.deps, lease, { state: largest, lineage: "one", serial: 3 });
    const larger = { state: Buffer.concat([largest, Buffer.from(" ")]), lineage: "one", serial: 4 };
    const refused = { code: Code.ResourceExhausted };
    await expect(uploadState(fixture.deps, lease, larger)).rejects.toMatchObject(refused);
    const { result } = create(CompleteJobRequestSchema, {
      result: { case: "workspaceBuild", value: { state: larger.state } },
    });
    await expect(completeJob(fixture.deps, lease, result)).rejects.toMatchObject(refused);
    const failed = { ...failure(), state: larger.state };
    await expect(failJob(fixture.deps, lease, failed)).rejects.toMatchObject(refused);
    await expect(handIn(lease, larger)).rejects.toMatchObject(refused);
    const payload = await jobPayload(fixture.deps, await fixture.job(lease.jobId), leaseMs);
    expect(payload.input.case === "workspaceBuild" && payload.input.value.state.byteLength).toBe(
      maxStateBytes,
    );
    await failJob(fixture.deps, lease, failure());
  });

  test("a build with a large one is not put back into the queue while that is on its way to the daemon", async () => {
    const { workspaceId } = await runningBuild().then(async (first) => {
      await failJob(fixture.deps, first.lease, failure());
      return first;
    });
    const state = Buffer.from(`{"version":4,"lineage":"one","serial":1,"x":"${"x".repeat(1024 * 1024)}"}`);
    const { job } = await fixture.postBuild(workspaceId, versionId, { state });
    const lease = await take(job.id, false);
    const reap = (inMs: number) => reapJobs(fixture.deps, reaperOptions, new Date(Date.now() + inMs));
    expect((await reap(30_000)).requeued).toEqual([]);
    expect((await reap(70_000)).requeued).toEqual([lease.jobId]);
    await cancelJob(fixture.deps, job.id);
  });

  test("a failure without state leaves the state as it was", async () => {
    const { build, lease } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await failJob(fixture.deps, lease, failure());
    expect(await fixture.state(build.id)).toMatchObject({ serial: 3 });
  });

  const handIn = (
    lease: LeaseRef,
    uploaded: ReturnType<typeof stateOf>,
    by: { keyId?: string; ownerId?: string } = {},
  ) =>
    handInState(fixture.deps, {
      ...uploaded,
      jobId: lease.jobId,
      epoch: lease.epoch,
      organizationId: fixture.organizationId,
      keyId,
      ownerId: null,
      ...by,
    });

  test("handed in while a later build ends, neither waits for the other", async () => {
    const { lease, workspaceId } = await runningBuild();
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const next = await fixture.postBuild(workspaceId, versionId);
    await take(next.job.id, true);
    await fixture.deps.db.transaction().execute(async (tx) => {
      // As whoever ends the job does, before it comes to the workspace.
      await tx
        .selectFrom("provisioner_jobs")
        .select("id")
        .where("id", "=", next.job.id)
        .forUpdate()
        .execute();
      expect(await handIn(lease, stateOf(3))).toMatchObject({ reason: "A later build has started." });
    });
  });

  test("handed in late it is taken while no later build has started, also by one that waits", async () => {
    const { build, lease, workspaceId } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const next = await fixture.postBuild(workspaceId, versionId, { transition: "stop" });
    expect(await handIn(lease, stateOf(4))).toEqual({ accepted: true, reason: "" });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 4 });
    expect(await fixture.state(next.build.id)).toMatchObject({ serial: 4 });
    expect(await handIn(lease, stateOf(4))).toMatchObject({ accepted: false });

    const running = await take(next.job.id, true);
    expect(await handIn(lease, stateOf(6))).toMatchObject({
      accepted: false,
      reason: "A later build has started.",
    });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 4 });
    const kept = await fixture.deps.db
      .selectFrom("workspace_kept_states")
      .select(["serial", "reason"])
      .where("build_id", "=", build.id)
      .orderBy("serial")
      .execute();
    expect(kept.at(-1)).toEqual({ serial: 6, reason: "A later build has started." });
    const { db, keyring } = fixture.deps;
    expect(await readKeptState(db, keyring, build.id)).toEqual(Buffer.from(stateOf(6).state));
    const lines = await db
      .selectFrom("provisioner_job_logs")
      .selectAll()
      .where("job_id", "=", build.job_id)
      .execute();
    expect(lines.at(-1)?.output).toContain(`coder state pull WORKSPACE --build ${build.build_number} --kept`);
    await failJob(fixture.deps, running, failure());
  });

  test("handed in late with more of it tainted it is taken, and with less or anything else of that serial it is not", async () => {
    const { build, lease, workspaceId } = await runningBuild();
    const withVm = (instance: object) => {
      const resources = [{ type: "vm", instances: [{ index_key: 0 }, instance] }];
      const state = JSON.stringify({ version: 4, lineage: "one", serial: 3, resources });
      return { state: Buffer.from(state), lineage: "one", serial: 3 };
    };
    const isTainted = async (id: string) =>
      JSON.parse((await fixture.state(id))?.state.toString() ?? "").resources[0].instances[1].status ===
      "tainted";
    await uploadState(fixture.deps, lease, withVm({ id: "a" }));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const next = await fixture.postBuild(workspaceId, versionId);
    const known = { accepted: false, reason: "The server has this state, or a later one, already." };
    expect(await handIn(lease, withVm({ id: "b", status: "tainted" }))).toEqual(known);
    expect(await handIn(lease, withVm({ id: "a" }))).toEqual(known);
    expect(await handIn(lease, withVm({ id: "a", status: "tainted" }))).toMatchObject({ accepted: true });
    expect([await isTainted(build.id), await isTainted(next.build.id)]).toEqual([true, true]);
    expect(await handIn(lease, withVm({ id: "a" }))).toEqual(known);
    expect(await isTainted(build.id)).toBe(true);
    await cancelJob(fixture.deps, next.job.id);
  });

  test("handed in after a later build waited in vain it is taken, and the next build goes on from it", async () => {
    const { build, lease, workspaceId } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const waited = await fixture.postBuild(workspaceId, versionId);
    const muchLater = new Date(Date.now() + 31 * 60_000);
    expect(await reapJobs(fixture.deps, reaperOptions, muchLater)).toMatchObject({ failed: [waited.job.id] });
    expect(await handIn(lease, stateOf(4))).toEqual({ accepted: true, reason: "" });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 4 });
    const next = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.state(next.build.id)).toMatchObject({ serial: 4 });
    await cancelJob(fixture.deps, next.job.id);
  });

  test("handed in late it does not replace the one that a waiting build was given", async () => {
    const { build, lease, workspaceId } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    const repaired = { state: Buffer.from('{"version":4}') };
    const next = await fixture.postBuild(workspaceId, versionId, repaired);
    const reason = "A later build was given a state of its own.";
    expect(await handIn(lease, stateOf(4))).toEqual({ accepted: false, reason });
    expect((await fixture.state(next.build.id))?.state.toString()).toBe('{"version":4}');
    const kept = fixture.deps.db.selectFrom("workspace_kept_states").select(["serial", "reason"]);
    expect(await kept.where("build_id", "=", build.id).execute()).toEqual([{ serial: 4, reason }]);
    await cancelJob(fixture.deps, next.job.id);
  });

  test("of another lineage it is only kept, and from other daemons not taken at all", async () => {
    const { build, lease } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    expect(await handIn(lease, stateOf(9, "two"))).toMatchObject({ accepted: false });
    const other = { keyId: randomUUID() };
    await expect(handIn(lease, stateOf(9), other)).rejects.toMatchObject({ code: Code.NotFound });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 3, lineage: "one" });
  });

  test("after the key was deleted, every daemon of the organization may hand it in, and no user's own", async () => {
    const { build, lease } = await runningBuild();
    await uploadState(fixture.deps, lease, stateOf(3));
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    await fixture.deps.db.deleteFrom("provisioner_keys").where("id", "=", keyId).execute();
    try {
      const own = { keyId: randomUUID(), ownerId: randomUUID() };
      await expect(handIn(lease, stateOf(9), own)).rejects.toMatchObject({ code: Code.NotFound });
      expect(await handIn(lease, stateOf(9), { keyId: randomUUID() })).toMatchObject({ accepted: true });
      expect(await fixture.state(build.id)).toMatchObject({ serial: 9 });
    } finally {
      await addKey();
    }
  });
});

describe("modules from elsewhere", () => {
  const manifest = JSON.stringify({
    Modules: [{ Key: "x", Source: "example/x", Dir: ".terraform/modules/x" }],
  });
  const file = (path: string, text: string) => ({
    path,
    type: "file" as const,
    data: Buffer.from(text),
    mode: 0o644,
  });

  async function importWith(moduleFiles: Uint8Array, hash = sha256(moduleFiles)) {
    const imported = await fixture.postImport(Buffer.from(randomUUID()));
    const value = create(CompleteJobRequest_TemplateImportSchema, { moduleFiles, moduleFilesHash: hash });
    const result = { case: "templateImport" as const, value };
    await completeJob(fixture.deps, await take(imported.job.id, true), result);
    return { ...imported, job: await fixture.job(imported.job.id) };
  }

  test("are stored with the version, for the daemons that lease its builds and for no others", async () => {
    const archive = await writeTar([file("modules.json", manifest), file("x/main.tf", "# code")]);
    const { versionId: version, job, fileId } = await importWith(archive);
    expect(job).toMatchObject({ status: "succeeded" });
    const stranger = await runningBuild();
    const build = await fixture.postBuild(
      await fixture.addWorkspace(await fixture.addTemplate(version)),
      version,
    );
    const lease = await take(build.job.id, true);
    const payload = await jobPayload(fixture.deps, await fixture.job(build.job.id), leaseMs);
    expect(payload.moduleFiles).toMatchObject({
      hash: sha256(archive),
      sizeBytes: BigInt(archive.byteLength),
    });
    const { db } = fixture.deps;
    const modulesId = payload.moduleFiles?.fileId ?? "";
    expect(await readLeasedFile(db, lease, modulesId)).toEqual(archive);
    expect(sha256(await readLeasedFile(db, lease, fileId))).toBe(payload.fileHash);
    await expect(readLeasedFile(db, stranger.lease, modulesId)).rejects.toMatchObject(refused);
    await expect(readLeasedFile(db, { ...lease, epoch: 99 }, modulesId)).rejects.toMatchObject(refused);

    await db.updateTable("templates").set({ disable_module_cache: true }).execute();
    const without = await jobPayload(fixture.deps, await fixture.job(build.job.id), leaseMs);
    expect(without.moduleFiles).toBeUndefined();
    await failJob(fixture.deps, lease, failure());
    await failJob(fixture.deps, stranger.lease, failure());
  });

  test.each([
    {
      what: "whose path leads out",
      archive: () => writeTar([file("modules.json", manifest), file("../x", "")]),
    },
    { what: "without a manifest", archive: () => writeTar([file("x/main.tf", "# code")]) },
    { what: "that is no tar", archive: async () => Buffer.from("modules") },
  ])("an archive $what ends the import as failed", async ({ archive }) => {
    const { job, versionId: version } = await importWith(await archive());
    expect(job).toMatchObject({
      status: "failed",
      error: expect.stringContaining("The template's modules are refused:"),
    });
    const stored = await fixture.deps.db
      .selectFrom("template_versions")
      .select("modules_file_id")
      .where("id", "=", version)
      .executeTakeFirstOrThrow();
    expect(stored.modules_file_id).toBeNull();
  });

  test("another hash than the announced one ends it, too", async () => {
    const archive = await writeTar([file("modules.json", manifest)]);
    const { job } = await importWith(archive, sha256(Buffer.from("other")));
    expect(job).toMatchObject({ status: "failed", error: expect.stringContaining("arrived damaged") });
  });
});

test("a build that has ended is counted for whoever asks for metrics, and an import is not", async () => {
  const { deps } = fixture;
  const counting = { ...deps, config: { ...deps.config, prometheusEnable: true } };
  const { job, lease } = await runningBuild();
  await failJob(deps, lease, failure());
  countBuild(counting, job.id);
  const version = await deps.db
    .selectFrom("template_versions")
    .select("job_id")
    .where("id", "=", versionId)
    .executeTakeFirstOrThrow();
  countBuild(counting, version.job_id);
  await expect
    .poll(() => deps.metrics.metrics())
    .toMatch(/coderd_workspace_builds_total\{.*workspace_transition="START",status="failed"\} 1/);
  const counted = await deps.metrics.getSingleMetric("coderd_workspace_builds_total")?.get();
  expect(counted?.values).toHaveLength(1);
});

describe("canceling", () => {
  test("ends a pending job at once, and frees its workspace", async () => {
    const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
    const { job } = await fixture.postBuild(workspaceId, versionId);
    await cancelJob(fixture.deps, job.id, { expectStatus: "pending" });
    expect(await fixture.job(job.id)).toMatchObject({ status: "canceled" });
    const next = await fixture.postBuild(workspaceId, versionId);
    await cancelJob(fixture.deps, next.job.id);
    await expect(cancelJob(fixture.deps, job.id)).rejects.toMatchObject({ code: "bad_request" });
  });

  test("tells a running job at its next renewal, and not when another status was expected", async () => {
    const { job, lease } = await runningBuild();
    await expect(cancelJob(fixture.deps, job.id, { expectStatus: "pending" })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    expect(await renewLease(fixture.deps.db, lease, leaseMs)).toEqual({ isCanceled: false });
    await cancelJob(fixture.deps, job.id, { expectStatus: "running" });
    expect(await renewLease(fixture.deps.db, lease, leaseMs)).toEqual({ isCanceled: true });
    expect(await fixture.job(job.id)).toMatchObject({ status: "canceling" });
    await failJob(fixture.deps, lease, failure("interrupted"));
    expect(await fixture.job(job.id)).toMatchObject({ status: "canceled", error: null });
  });
});

describe("the reaper", () => {
  test("ends a job whose lease has lapsed, keeps its state, and frees its workspace", async () => {
    const { job, build, lease, workspaceId } = await runningBuild();
    await pushLogs(fixture.deps, lease, 1, [line("working")]);
    await uploadState(fixture.deps, lease, stateOf(7));
    expect(await reapJobs(fixture.deps, reaperOptions, new Date())).toEqual({ failed: [], requeued: [] });
    expect(await reapJobs(fixture.deps, reaperOptions, lapsed())).toEqual({ failed: [job.id], requeued: [] });
    expect(await fixture.state(build.id)).toMatchObject({ serial: 7 });
    expect((await readJobLogs(fixture.deps.db, job.id)).at(-1)).toMatchObject({
      log_level: "error",
      stage: "Test",
    });
    const next = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.state(next.build.id)).toMatchObject({ serial: 7 });
    await cancelJob(fixture.deps, next.job.id);
  });

  test("names what was being created and is in no state", async () => {
    const { job, build, lease } = await runningBuild();
    const nothing = { state: new Uint8Array(), lineage: "", serial: 0 };
    await uploadState(fixture.deps, lease, nothing, ["terraform_data.one", "terraform_data.two"]);
    await uploadState(fixture.deps, lease, stateOf(3), ["terraform_data.two"]);
    await reapJobs(fixture.deps, reaperOptions, lapsed());
    expect(await fixture.state(build.id)).toMatchObject({ serial: 3 });
    expect((await fixture.job(job.id)).error).toBe(
      "The provisioner daemon stopped answering, so the job was ended. What Terraform had reached is kept, but for what was just being created and may exist without being in the state (terraform_data.two): try again.",
    );
  });

  test("ends at once all that a host took with it", async () => {
    const jobs = await Promise.all(Array.from({ length: 25 }, () => fixture.postJob()));
    const domain = { organizationId: fixture.organizationId, provisioners: ["echo"], tags: untagged };
    const takers = jobs.map(() => daemon);
    for (const { id, epoch } of await acquireJobs(fixture.deps.db, domain, takers, leaseMs)) {
      await renewLease(fixture.deps.db, { jobId: id, epoch, daemonId: daemon.daemonId }, leaseMs);
    }
    const { failed } = await reapJobs(fixture.deps, reaperOptions, lapsed());
    expect(failed.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test("puts an acquisition that was never confirmed back into the queue", async () => {
    const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
    const { job } = await fixture.postBuild(workspaceId, versionId);
    await take(job.id, false);
    expect(await reapJobs(fixture.deps, reaperOptions, lapsed())).toEqual({ failed: [], requeued: [job.id] });
    await failJob(fixture.deps, await take(job.id, true), failure());
  });

  test("fails a job that waited for thirty minutes, and says for what", async () => {
    const job = await fixture.postJob({ tags: { scope: "organization", owner: "", gpu: "yes" } });
    expect(await reapJobs(fixture.deps, reaperOptions, new Date(Date.now() + 29 * 60_000))).toMatchObject({
      failed: [],
    });
    await reapJobs(fixture.deps, reaperOptions, new Date(Date.now() + 31 * 60_000));
    expect(await fixture.job(job.id)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/within 30 minutes\. No provisioner daemon .* --tag gpu=yes$/),
    });
  });

  test("counts how long a job waits by the database's clock, however late that of its server is", async () => {
    fixture.clock.advance(-3_600_000);
    const job = await fixture.postJob();
    fixture.clock.advance(3_600_000);
    expect(await reapJobs(fixture.deps, reaperOptions, new Date())).toEqual({ failed: [], requeued: [] });
    await cancelJob(fixture.deps, job.id);
  });

  test("leaves a lease alone that a stopping server has prolonged", async () => {
    const { lease } = await runningBuild();
    await extendLeases(fixture.deps.db, 60_000);
    expect(await reapJobs(fixture.deps, reaperOptions, lapsed())).toMatchObject({ failed: [] });
    await failJob(fixture.deps, lease, failure());
  });
});
