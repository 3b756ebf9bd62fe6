import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { builds, daemons, jobs } from "@slipway/api";
import { LogLevel, LogSchema, LogSource } from "@slipway/proto/provisioner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { acquireJobs } from "./acquire-jobs.ts";
import { failJob } from "./fail-job.ts";
import { type LeaseRef, renewLease } from "./lease.ts";
import { postJob } from "./post-job.ts";
import { pushLogs } from "./push-logs.ts";

let server: TestServer;
let daemonId: string;
const org = { scope: "organization", owner: "" };

beforeAll(async () => {
  server = await testServer();
  daemonId = await addDaemon("worker", org);
});
afterAll(() => server.close());

async function addDaemon(name: string, tags: Record<string, string>): Promise<string> {
  const id = randomUUID();
  await server.db
    .insertInto("provisioner_daemons")
    .values({
      id,
      organization_id: server.organizationId,
      key_id: daemons.reservedProvisionerKeyIds.builtIn,
      owner_id: null,
      name,
      api_version: "1.18",
      provisioners: ["echo"],
      tags: JSON.stringify(tags),
      instance_id: id,
      created_at: new Date(),
      last_seen_at: new Date(),
    })
    .execute();
  return id;
}

/** A build that runs: the shortest way to a job whose log a route shows. */
async function runningBuild(): Promise<{ buildId: string; lease: LeaseRef }> {
  const { db, deps } = server;
  const userId = server.owner.user.id;
  const [fileId, versionId, templateId, workspaceId, buildId] = Array.from({ length: 5 }, () =>
    randomUUID(),
  ) as [string, string, string, string, string];
  const now = new Date();
  const stamps = { created_at: now, updated_at: now };
  const hash = fileId.replaceAll("-", "").padEnd(64, "0");
  await db
    .insertInto("files")
    .values({
      id: fileId,
      hash,
      created_by: userId,
      mimetype: "application/x-tar",
      data: Buffer.from("x"),
      created_at: now,
    })
    .execute();
  const job = {
    organizationId: server.organizationId,
    initiatorId: userId,
    provisioner: "echo" as const,
    fileId,
    tags: org,
    priority: 0,
  };
  const queued = await db.transaction().execute(async (tx) => {
    const imported = await postJob(tx, deps, {
      ...job,
      type: "template_version_import",
      input: { template_version_id: versionId },
    });
    await tx
      .updateTable("provisioner_jobs")
      .set({ started_at: now, completed_at: now })
      .where("id", "=", imported.id)
      .execute();
    await tx
      .insertInto("template_versions")
      .values({
        id: versionId,
        organization_id: server.organizationId,
        template_id: null,
        job_id: imported.id,
        name: `v-${versionId.slice(0, 8)}`,
        created_by: userId,
        ...stamps,
      })
      .execute();
    await tx
      .insertInto("templates")
      .values({
        id: templateId,
        organization_id: server.organizationId,
        name: `t-${templateId.slice(0, 8)}`,
        active_version_id: versionId,
        created_by: userId,
        ...stamps,
      })
      .execute();
    await tx
      .updateTable("template_versions")
      .set({ template_id: templateId })
      .where("id", "=", versionId)
      .execute();
    await tx
      .insertInto("workspaces")
      .values({
        id: workspaceId,
        owner_id: userId,
        organization_id: server.organizationId,
        template_id: templateId,
        name: `w-${workspaceId.slice(0, 8)}`,
        last_used_at: now,
        ...stamps,
      })
      .execute();
    const row = await postJob(tx, deps, {
      ...job,
      type: "workspace_build",
      input: { workspace_build_id: buildId },
    });
    await tx
      .insertInto("workspace_builds")
      .values({
        id: buildId,
        workspace_id: workspaceId,
        template_version_id: versionId,
        template_version_preset_id: null,
        job_id: row.id,
        build_number: 1,
        transition: "start",
        initiator_id: userId,
        ...stamps,
      })
      .execute();
    return row;
  });
  const [leased] = await acquireJobs(
    db,
    { organizationId: server.organizationId, provisioners: ["echo"], tags: org },
    [{ daemonId, daemonName: "worker" }],
    60_000,
  );
  expect(leased?.id).toBe(queued.id);
  const lease = { jobId: queued.id, epoch: leased!.epoch, daemonId };
  await renewLease(db, lease, 60_000);
  return { buildId, lease };
}

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) =>
    create(LogSchema, {
      source: LogSource.PROVISIONER,
      level: LogLevel.INFO,
      createdAtMs: 1_000n,
      stage: "Test",
      output: `line ${from + index}`,
    }),
  );
const end = (lease: LeaseRef) =>
  failJob(server.deps, lease, { error: "over", errorCode: "", state: new Uint8Array(), timings: [] });

function follow(buildId: string, query = "", token = server.owner.token): WebSocket {
  const url = `${server.url.replace("http", "ws")}/api/v2/workspacebuilds/${buildId}/logs?follow=true${query}`;
  return new WebSocket(url, { headers: { "Coder-Session-Token": token } });
}

describe("the log of a job", () => {
  test("is an array, between the given lines, or plain text", async () => {
    const { buildId, lease } = await runningBuild();
    await pushLogs(server.deps, lease, 1, lines(1, 5));
    const { client } = server.owner;
    const params = { workspacebuild: buildId };
    const all = await client.call(builds.getBuildLogs, { params, query: {} });
    expect(all.map(({ id, output }) => [id, output])).toEqual([1, 2, 3, 4, 5].map((n) => [n, `line ${n}`]));
    expect(
      (await client.call(builds.getBuildLogs, { params, query: { after: 2, before: 5 } })).map(
        ({ id }) => id,
      ),
    ).toEqual([3, 4]);
    const text = await fetch(`${server.url}/api/v2/workspacebuilds/${buildId}/logs?format=text`, {
      headers: { "Coder-Session-Token": server.owner.token },
    });
    expect(text.headers.get("content-type")).toContain("text/plain");
    expect((await text.text()).split("\n")[1]).toBe("1970-01-01T00:00:01.000Z [info] Test: line 2");
    await end(lease);
  });

  test("text does not go with follow", async () => {
    const { buildId, lease } = await runningBuild();
    const socket = follow(buildId, "&format=text");
    const [, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(400);
    await end(lease);
  });

  test("followed while it grows has each line once and in order, and closes when the job ends", async () => {
    const { buildId, lease } = await runningBuild();
    await pushLogs(server.deps, lease, 1, lines(1, 700));
    const socket = follow(buildId);
    const seen: number[] = [];
    socket.on("message", (data) => seen.push(JSON.parse(String(data)).id));
    const closed = once(socket, "close");
    await once(socket, "message");
    for (let from = 701; from < 1_500; from += 100)
      await pushLogs(server.deps, lease, from, lines(from, 100));
    await end(lease);
    expect((await closed)[0]).toBe(1000);
    expect(seen).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
  });

  test("is followed no longer, and with the reason, by somebody who loses the right to see it", async () => {
    const { buildId, lease } = await runningBuild();
    await pushLogs(server.deps, lease, 1, lines(1, 1));
    const other = await server.createUser({ roles: ["owner"] });
    const socket = follow(buildId, "", other.token);
    const closed = once(socket, "close");
    await once(socket, "message");
    await server.db
      .updateTable("users")
      .set({ status: "suspended" })
      .where("id", "=", other.user.id)
      .execute();
    await server.deps.events.publish(server.db, "access", other.user.id);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([1008, "Your account was suspended."]);
    await end(lease);
  });

  test("comes as events too, and goes on after the last one that was seen", async () => {
    const { buildId, lease } = await runningBuild();
    await pushLogs(server.deps, lease, 1, lines(1, 600));
    const events = (lastEventId: string) =>
      fetch(`${server.url}/api/v2/workspacebuilds/${buildId}/logs?follow=true`, {
        headers: {
          "Coder-Session-Token": server.owner.token,
          Accept: "text/event-stream",
          "Last-Event-ID": lastEventId,
        },
      });
    const response = await events("");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    await pushLogs(server.deps, lease, 601, lines(601, 3));
    const text = response.text();
    await end(lease);
    const ids = (stream: string) => [...stream.matchAll(/^id: (\d+)\ndata: (.*)$/gm)];
    const seen = ids(await text);
    expect(seen.map(([, id]) => Number(id))).toEqual(Array.from({ length: 603 }, (_, index) => index + 1));
    expect(JSON.parse(seen[602]?.[2] ?? "")).toMatchObject({ id: 603, output: "line 603" });
    expect(ids(await (await events("601")).text()).map(([, id]) => id)).toEqual(["602", "603"]);
  });

  test("of somebody else's build is not found", async () => {
    const { buildId, lease } = await runningBuild();
    const stranger = await server.createUser();
    await expect(
      stranger.client.call(builds.getBuildLogs, { params: { workspacebuild: buildId }, query: {} }),
    ).rejects.toMatchObject({ status: 404 });
    await end(lease);
  });
});

describe("lists", () => {
  test("a pending job tells its place, who could take it, or what is missing", async () => {
    const post = (tags: Record<string, string>) =>
      server.db.transaction().execute(async (tx) => {
        const file = await tx.selectFrom("files").select("id").limit(1).executeTakeFirstOrThrow();
        return postJob(tx, server.deps, {
          organizationId: server.organizationId,
          initiatorId: server.owner.user.id,
          type: "template_version_dry_run",
          provisioner: "echo",
          fileId: file.id,
          input: {},
          tags,
          priority: 0,
        });
      });
    const first = await post(org);
    const second = await post(org);
    const lost = await post({ ...org, zone: "eu" });
    const goneId = await addDaemon("gone", { ...org, zone: "us" });
    await server.db
      .updateTable("provisioner_daemons")
      .set({ last_seen_at: new Date("2026-01-02T03:04:05Z") })
      .where("id", "=", goneId)
      .execute();
    const left = await post({ ...org, zone: "us" });
    const params = { organization: "default" };
    const found = await server.owner.client.call(jobs.getJobs, { params, query: { status: ["pending"] } });
    const byId = new Map(found.map((job) => [job.id, job]));
    expect(byId.get(first.id)).toMatchObject({
      queue_position: 1,
      queue_size: 2,
      available_workers: [daemonId],
    });
    expect(byId.get(second.id)).toMatchObject({
      queue_position: 2,
      pending_reason: expect.stringContaining("number 2 of 2"),
    });
    expect(byId.get(lost.id)).toMatchObject({
      queue_position: 0,
      available_workers: [],
      pending_reason: expect.stringContaining("lacks zone=eu"),
      pending: { code: "no_match", nearest: { name: "worker", missing: { zone: "eu" } } },
    });
    expect(byId.get(left.id)).toMatchObject({
      queue_position: 0,
      available_workers: [],
      pending_reason: expect.stringContaining(
        "gone, the only provisioner daemon that fits, is offline since",
      ),
      pending: {
        code: "offline",
        matching: { count: 1, last_seen: { name: "gone", at: "2026-01-02T03:04:05.000Z" } },
      },
    });
    expect(
      await server.owner.client.call(jobs.getJob, { params: { ...params, job: lost.id } }),
    ).toMatchObject({ id: lost.id });
    await server.db
      .deleteFrom("provisioner_jobs")
      .where("id", "in", [first.id, second.id, lost.id, left.id])
      .execute();
    await server.db.deleteFrom("provisioner_daemons").where("id", "=", goneId).execute();
  });

  test("daemons are asked for by an age that there can be", async () => {
    const found = (max_age: string) =>
      server.owner.client.call(daemons.getDaemons, {
        params: { organization: "default" },
        query: { max_age },
      });
    expect((await found("100y")).map(({ id }) => id)).toContain(daemonId);
    for (const max_age of ["yesterday", "-1h", "99999999999999h"]) {
      await expect(found(max_age)).rejects.toMatchObject({
        status: 400,
        validations: [{ field: "max_age", detail: expect.stringContaining(max_age) }],
      });
    }
  });

  test("daemons show whether they work, and on what", async () => {
    const { lease } = await runningBuild();
    const params = { organization: "default" };
    const find = async () => {
      const found = await server.owner.client.call(daemons.getDaemons, { params, query: {} });
      return found.find(({ id }) => id === daemonId);
    };
    expect(await find()).toMatchObject({
      status: "busy",
      key_name: "built-in",
      current_job: { id: lease.jobId },
    });
    await end(lease);
    expect(await find()).toMatchObject({
      status: "idle",
      current_job: null,
      previous_job: { id: lease.jobId, status: "failed" },
    });

    const oldId = await addDaemon("old", org);
    await server.db
      .updateTable("provisioner_daemons")
      .set({ last_seen_at: new Date(Date.now() - 200_000) })
      .where("id", "=", oldId)
      .execute();
    const shown = await server.owner.client.call(daemons.getDaemons, { params, query: {} });
    expect(shown.map(({ id }) => id)).not.toContain(oldId);
    const offline = await server.owner.client.call(daemons.getDaemons, {
      params,
      query: { status: ["offline"] },
    });
    expect(offline.map(({ id }) => id)).toEqual([oldId]);
  });
});
