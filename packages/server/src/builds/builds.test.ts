import { randomUUID } from "node:crypto";
import { builds, daemons, type templates, templateVersions, users, workspaces } from "@slipway/api";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { followLogs } from "../agents/testing/follow-logs.ts";
import { insertAgent } from "../agents/testing/insert-agent.ts";
import { failJob } from "../jobs/fail-job.ts";
import { handInState } from "../jobs/hand-in-state.ts";
import { renewSessionToken } from "../jobs/owner-session-token.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { insertBuild } from "./insert-build.ts";
import { planBuild } from "./plan-build.ts";
import { runQueuedStarts } from "./queued-starts.ts";
import { type TestTemplates, testTemplates } from "./testing/test-templates.ts";
import { toApiBuilds } from "./to-api-builds.ts";

let server: TestServer;
let make: TestTemplates;
let template: templates.Template;
let member: TestUser;
let theirs: TestTemplates;

const parameters = [
  { name: "cpu", type: "number", mutable: true, required: true, validationMin: 1, validationMax: 8 },
  { name: "region", type: "string", mutable: false, defaultValue: "eu" },
  { name: "debug", type: "bool", mutable: true, ephemeral: true, defaultValue: "false" },
];

const state = (serial: number) =>
  new TextEncoder().encode(
    JSON.stringify({ version: 4, serial, lineage: "11111111-2222-3333-4444-555555555555" }),
  );
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
  template = await make.createTemplate("sized", {
    name: "v1",
    result: {
      richParameters: parameters,
      presets: [{ name: "big", parameters: [{ name: "cpu", value: "8" }] }],
    },
  });
  member = await server.createUser({ username: "member" });
  theirs = testTemplates(server, member);
});

afterAll(() => server.close());

const cpu = (value: string) => [{ name: "cpu", value }];

type BuildBody = z.input<typeof workspaces.CreateWorkspaceBuildRequest>;

function build(workspace: { id: string }, body: BuildBody, as: TestUser = member) {
  return as.client.call(workspaces.createWorkspaceBuild, { params: { workspace: workspace.id }, body });
}

function parametersOf(buildId: string) {
  return member.client.call(builds.getBuildParameters, { params: { workspacebuild: buildId } });
}

describe("the life of a workspace", () => {
  test("start, stop and delete follow one another, each with the state and values of the one before", async () => {
    const workspace = await theirs.createWorkspace("life", template.id, { rich_parameter_values: cpu("2") });
    const stop = await build(workspace, { transition: "stop", reason: "cli" });
    expect(stop).toMatchObject({ build_number: 2, status: "pending", reason: "cli", transition: "stop" });
    await make.finishBuild(workspace.id, { state: state(3) });

    const start = await build(workspace, { transition: "start" });
    expect(await parametersOf(start.id)).toEqual([
      { name: "cpu", value: "2" },
      { name: "debug", value: "false" },
      { name: "region", value: "eu" },
    ]);
    const raw = await server.owner.client.fetch(builds.getBuildState, {
      params: { workspacebuild: start.id },
    });
    expect(await raw.json()).toMatchObject({ serial: 3 });
    await make.failBuild(workspace.id, "no capacity");
    const failed = await member.client.call(builds.getBuild, { params: { workspacebuild: start.id } });
    expect(failed).toMatchObject({ status: "failed", job: { error: "no capacity" } });

    await build(workspace, { transition: "delete" });
    await make.finishBuild(workspace.id);
    await expect(build(workspace, { transition: "start" })).rejects.toMatchObject({ status: 409 });
    const list = await member.client.call(workspaces.getWorkspaceBuilds, {
      params: { workspace: workspace.id },
    });
    expect(list.map(({ build_number, status }) => [build_number, status])).toEqual([
      [4, "deleted"],
      [3, "failed"],
      [2, "stopped"],
      [1, "running"],
    ]);
    const paged = await member.client.call(workspaces.getWorkspaceBuilds, {
      params: { workspace: workspace.id },
      query: { since: list[1]!.created_at, limit: 5 },
    });
    expect(paged.map(({ build_number }) => build_number)).toEqual([4]);
    const byNumber = { user: "member", workspacename: "life", buildnumber: "1" };
    await expect(member.client.call(workspaces.getBuildByNumber, { params: byNumber })).rejects.toMatchObject(
      {
        status: 404,
      },
    );
  });

  test("a second build while one is active is refused, however many ask at once", async () => {
    const workspace = await theirs.createWorkspace("crowded", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const asked = await Promise.allSettled(
      Array.from({ length: 6 }, () => build(workspace, { transition: "stop" })),
    );
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const each of asked)
      if (each.status === "rejected") expect(each.reason).toMatchObject({ status: 409 });
    await make.finishBuild(workspace.id);
  });

  test("a restart is queued behind its stop and starts by itself", async () => {
    const workspace = await theirs.createWorkspace("restart", template.id, {
      rich_parameter_values: cpu("1"),
    });
    await build(workspace, {
      transition: "stop",
      on_success: { transition: "start", rich_parameter_values: cpu("4") },
    });
    await runQueuedStarts(server.deps);
    const [latest] = await member.client.call(workspaces.getWorkspaceBuilds, {
      params: { workspace: workspace.id },
    });
    expect(latest).toMatchObject({ build_number: 2, transition: "stop" });
    await make.finishBuild(workspace.id);
    await Promise.all([runQueuedStarts(server.deps), runQueuedStarts(server.deps)]);
    const after = await member.client.call(workspaces.getWorkspaceBuilds, {
      params: { workspace: workspace.id },
    });
    expect(after.map(({ transition }) => transition)).toEqual(["start", "stop", "start"]);
    expect(await parametersOf(after[0]!.id)).toContainEqual({ name: "cpu", value: "4" });
  });

  test("restarts that cannot go on, their state damaged, keep no other one from starting, however many", async () => {
    const restart = async (name: string) => {
      const made = await theirs.createWorkspace(name, template.id, { rich_parameter_values: cpu("1") });
      const params = { workspacebuild: made.latest_build.id };
      const body = { state: base64(state(1)) };
      await server.owner.client.call(builds.updateBuildState, { params, body });
      return build(made, { transition: "stop", on_success: { transition: "start" } });
    };
    const damaged = await restart("restart-damaged");
    await server.db
      .updateTable("workspace_build_states")
      .set({ state: Buffer.from("damaged") })
      .where("build_id", "=", damaged.id)
      .execute();
    await make.finishBuild(damaged.workspace_id);
    // Many more of the kind: each has a job, a number and an id of its own.
    await sql`
      with copy as (
        select gen_random_uuid() as id, gen_random_uuid() as job_id, n from generate_series(1, 150) n
      ), jobs as (
        insert into provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags,
          created_at, updated_at, started_at, completed_at)
        select copy.job_id, organization_id, initiator_id, type, provisioner, file_id, input, tags,
          created_at, updated_at, started_at, completed_at
        from copy, provisioner_jobs where provisioner_jobs.id = ${damaged.job.id}
      )
      insert into workspace_builds (id, workspace_id, template_version_id, job_id, build_number, transition,
        initiator_id, on_success, finished_at, created_at, updated_at)
      select copy.id, workspace_id, template_version_id, copy.job_id, build_number + copy.n, transition,
        initiator_id, '{"transition":"start","rich_parameter_values":[]}', finished_at, created_at, updated_at
      from copy, workspace_builds where workspace_builds.id = ${damaged.id}`.execute(server.db);
    await sql`insert into workspace_build_states
      select build.id, state.state, state.key_id, state.lineage, state.serial, state.updated_at
      from workspace_builds build, workspace_build_states state
      where build.workspace_id = ${damaged.workspace_id} and state.build_id = ${damaged.id}
      on conflict do nothing`.execute(server.db);
    const other = await restart("restart-other");
    await make.finishBuild(other.workspace_id);
    const latest = async () =>
      (await member.client.call(workspaces.getWorkspace, { params: { workspace: other.workspace_id } }))
        .latest_build;
    await expect.poll(latest, { timeout: 10_000 }).toMatchObject({ transition: "start", build_number: 3 });
    await server.db
      .updateTable("workspace_builds")
      .set({ on_success: null })
      .where("workspace_id", "=", damaged.workspace_id)
      .execute();
  });
});

describe("parameters of a build", () => {
  test.each([
    { what: "missing", values: [], field: "cpu" },
    { what: "out of range", values: cpu("9"), field: "cpu" },
    { what: "of another type", values: cpu("many"), field: "cpu" },
    { what: "unknown", values: [...cpu("1"), { name: "colour", value: "red" }], field: "colour" },
    { what: "given twice", values: [...cpu("1"), ...cpu("2")], field: "cpu" },
  ])("$what are refused by name", async ({ values, field }) => {
    const refused = member.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "bad-values", template_id: template.id, rich_parameter_values: values },
    });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      validations: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });

  test("immutable ones keep their value, ephemeral ones do not", async () => {
    const workspace = await theirs.createWorkspace("values", template.id, {
      rich_parameter_values: [...cpu("1"), { name: "region", value: "us" }, { name: "debug", value: "true" }],
    });
    const moved = build(workspace, {
      transition: "start",
      rich_parameter_values: [{ name: "region", value: "eu" }],
    });
    await expect(moved).rejects.toMatchObject({ status: 400, validations: [{ field: "region" }] });
    const next = await build(workspace, { transition: "start" });
    expect(await parametersOf(next.id)).toEqual([
      { name: "cpu", value: "1" },
      { name: "debug", value: "false" },
      { name: "region", value: "us" },
    ]);
    await make.finishBuild(workspace.id);
  });

  test("that amount to a preset choose it; a chosen preset gives its values", async () => {
    const workspace = await theirs.createWorkspace("preset", template.id, {
      rich_parameter_values: cpu("8"),
    });
    const presetId = workspace.latest_build.template_version_preset_id;
    expect(presetId).not.toBeNull();
    const small = await build(workspace, { transition: "start", rich_parameter_values: cpu("2") });
    expect(small.template_version_preset_id).toBeNull();
    await make.finishBuild(workspace.id);
    const big = await build(workspace, { transition: "start", template_version_preset_id: presetId });
    expect(await parametersOf(big.id)).toContainEqual({ name: "cpu", value: "8" });
    await make.finishBuild(workspace.id);
  });
});

describe("the version of a build", () => {
  test("must be an imported one of the template", async () => {
    const workspace = await theirs.createWorkspace("versions", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const start = (template_version_id: string) =>
      build(workspace, { transition: "start", template_version_id });
    const other = await make.importVersion();
    await expect(start(other.id)).rejects.toMatchObject({ status: 400 });
    const pending = await make.pushVersion({ templateId: template.id });
    await expect(start(pending.id)).rejects.toMatchObject({ status: 406 });
    const next = await make.importVersion({
      templateId: template.id,
      result: { richParameters: parameters },
    });
    expect(await start(next.id)).toMatchObject({ template_version_id: next.id });
    await make.finishBuild(workspace.id);
  });

  test("follows the template where that requires its active version", async () => {
    const strict = await make.createTemplate("strict", { settings: { require_active_version: true } });
    const workspace = await theirs.createWorkspace("follows", strict.id);
    const next = await make.importVersion({ templateId: strict.id });
    await server.db
      .updateTable("templates")
      .set({ active_version_id: next.id })
      .where("id", "=", strict.id)
      .execute();
    const old = build(workspace, { transition: "start", template_version_id: strict.active_version_id });
    await expect(old).rejects.toMatchObject({ status: 403 });
    expect(await build(workspace, { transition: "start" })).toMatchObject({ template_version_id: next.id });
    await make.finishBuild(workspace.id);
  });

  test("of the active one an automatic start may lack values; that is told beforehand", async () => {
    const moving = await make.createTemplate("moving");
    const workspace = await theirs.createWorkspace("lags", moving.id);
    const params = { workspace: workspace.id };
    const ask = () => member.client.call(workspaces.resolveAutostart, { params });
    const next = await make.importVersion({
      templateId: moving.id,
      result: { richParameters: [{ name: "cpu", type: "number", required: true }] },
    });
    await server.owner.client.call(templateVersions.updateActiveTemplateVersion, {
      params: { template: moving.id },
      body: { id: next.id },
    });
    expect(await ask()).toEqual({ parameter_mismatch: false });
    await member.client.call(workspaces.updateAutomaticUpdates, {
      params,
      body: { automatic_updates: "always" },
    });
    expect(await ask()).toEqual({ parameter_mismatch: true });
  });

  test("decides the tags of the job, with the owner's values", async () => {
    const tagged = await make.createTemplate("tagged", {
      source: {
        "main.tf": [
          'data "coder_parameter" "zone" {',
          '  name    = "zone"',
          '  default = "eu"',
          "}",
          'data "coder_workspace" "me" {}',
          'data "coder_workspace_owner" "me" {}',
          'module "naming" {',
          '  source = "./naming"',
          "  zone   = data.coder_parameter.zone.value",
          "}",
          'data "coder_workspace_tags" "t" {',
          "  tags = {",
          "    zone = module.naming.zone",
          '    (data.coder_workspace_owner.me.name) = data.coder_workspace.me.name != "" ? "yes" : "no"',
          "  }",
          "}",
          "",
        ].join("\n"),
        "naming/main.tf": 'variable "zone" {}\noutput "zone" { value = lower(var.zone) }\n',
      },
      tags: { scope: "user" },
      result: { richParameters: [{ name: "zone", type: "string", mutable: true, defaultValue: "eu" }] },
    });
    const made = await member.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "zoned", template_id: tagged.id, rich_parameter_values: [{ name: "zone", value: "US" }] },
    });
    const own = { [member.user.username]: "yes" };
    expect(made.latest_build.job.tags).toEqual({ scope: "user", owner: member.user.id, zone: "us", ...own });
  });
});

describe("tags that can't be evaluated any more", () => {
  test("keep nobody from stopping a workspace, where its last build was", async () => {
    const main = [
      'data "coder_workspace" "me" {}',
      'data "coder_workspace_tags" "t" {',
      '  tags = { zone = data.coder_workspace.me.transition == "start" ? "eu" : tostring(parseint("x", 10)) }',
      "}",
      "",
    ].join("\n");
    const lost = await make.createTemplate("lost-tags", { source: { "main.tf": main } });
    const workspace = await theirs.createWorkspace("lost-tags", lost.id);
    const stop = await build(workspace, { transition: "stop" });
    expect(stop.job.tags).toEqual({ scope: "organization", owner: "", zone: "eu" });
  });
});

describe("parameters that depend on each other", () => {
  const source = {
    "main.tf": `
data "coder_workspace_owner" "me" {}
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
  mutable = true
}
data "coder_parameter" "zone" {
  count   = data.coder_parameter.region.value == "us" ? 1 : 0
  name    = "zone"
  default = "\${data.coder_parameter.region.value}-\${data.coder_workspace_owner.me.name}"
  mutable = false
}
`,
  };
  const region = { name: "region", type: "string", mutable: true, defaultValue: "eu" };
  const values = (given: Record<string, string>) =>
    Object.entries(given).map(([name, value]) => ({ name, value }));

  test("are settled for the owner with the values of the build, and judged by the last one's", async () => {
    const regional = await make.createTemplate("regional", { source, result: { richParameters: [region] } });
    const workspace = await theirs.createWorkspace("regional", regional.id);
    expect(await parametersOf(workspace.latest_build.id)).toEqual(values({ region: "eu" }));
    const absent = build(workspace, {
      transition: "start",
      rich_parameter_values: values({ zone: "a" }),
    });
    await expect(absent).rejects.toMatchObject({ status: 400, validations: [{ field: "zone" }] });
    const moved = await build(workspace, {
      transition: "start",
      rich_parameter_values: values({ region: "us" }),
    });
    // What is set by nobody is kept as it was: the default may be another one tomorrow.
    expect(await parametersOf(moved.id)).toEqual(values({ region: "us", zone: "us-member" }));
    await make.finishBuild(workspace.id);
    const change = build(workspace, { transition: "start", rich_parameter_values: values({ zone: "b" }) });
    await expect(change).rejects.toMatchObject({ status: 400, validations: [{ field: "zone" }] });
    const back = await build(workspace, {
      transition: "start",
      rich_parameter_values: values({ region: "eu" }),
    });
    expect(await parametersOf(back.id)).toEqual(values({ region: "eu" }));
  });

  test("are those of the import in the classic flow", async () => {
    const classic = await make.createTemplate("classic", {
      source,
      result: { richParameters: [region] },
      settings: { template_use_classic_parameter_flow: true },
    });
    const workspace = await theirs.createWorkspace("classic", classic.id, {
      rich_parameter_values: values({ region: "us" }),
    });
    expect(await parametersOf(workspace.latest_build.id)).toEqual(values({ region: "us" }));
  });
});

describe("what only managers of the template may ask for", () => {
  test("state and orphaning are refused to others", async () => {
    const workspace = await theirs.createWorkspace("managed", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const withState = build(workspace, { transition: "start", state: base64(state(1)) });
    await expect(withState).rejects.toMatchObject({ status: 403 });
    const orphan = build(workspace, { transition: "delete", orphan: true });
    await expect(orphan).rejects.toMatchObject({ status: 403 });
    const params = { workspacebuild: workspace.latest_build.id };
    for (const route of [builds.getBuildState, builds.getKeptBuildState]) {
      await expect(member.client.call(route, { params })).rejects.toMatchObject({ status: 403 });
    }
  });

  test("contradictions are refused by field", async () => {
    const workspace = await make.createWorkspace("contradictions", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const refusal = (body: BuildBody) => build(workspace, body, server.owner);
    await expect(refusal({ transition: "stop", orphan: true })).rejects.toMatchObject({ status: 400 });
    const both = refusal({ transition: "delete", orphan: true, state: base64(state(1)) });
    await expect(both).rejects.toMatchObject({ status: 400 });
    const noJson = refusal({ transition: "start", state: base64(new TextEncoder().encode("{")) });
    await expect(noJson).rejects.toMatchObject({ status: 400, validations: [{ field: "state" }] });
    const debug = refusal({ transition: "start", log_level: "debug" });
    await expect(debug).rejects.toMatchObject({ status: 400, validations: [{ field: "log_level" }] });
    await expect(refusal({ transition: "start", dry_run: true })).rejects.toMatchObject({ status: 400 });
  });

  test("an orphaned delete that no daemon could take ends at once", async () => {
    const workspace = await make.createWorkspace("orphan", template.id, { rich_parameter_values: cpu("1") });
    const token = await renewSessionToken(server.deps, {
      owner: { id: server.owner.user.id, login_type: "password", is_system: false },
      workspaceId: workspace.id,
      isStart: true,
    });
    await server.db
      .updateTable("provisioner_daemons")
      .set({ last_seen_at: new Date(0) })
      .execute();
    const { agentId } = await insertAgent(server, server.owner);
    const { ended } = await followLogs(server, agentId, token);
    const done = await build(workspace, { transition: "delete", orphan: true }, server.owner);
    expect(done).toMatchObject({ status: "deleted", job: { status: "succeeded" } });
    // What is left of it, and runs on, does not act as its owner any more.
    const late = server.client(token).call(users.getUser, { params: { user: "me" } });
    await expect(late).rejects.toMatchObject({ status: 401 });
    expect(await ended).toEqual({ code: 1008, reason: "Your session was ended." });
    await server.db.updateTable("provisioner_daemons").set({ last_seen_at: new Date() }).execute();
  });

  test("the next one ends what a workspace held open with the token of the one before", async () => {
    const workspace = await make.createWorkspace("renewed", template.id, { rich_parameter_values: cpu("1") });
    const renew = (isStart: boolean) =>
      renewSessionToken(server.deps, {
        owner: { id: server.owner.user.id, login_type: "password", is_system: false },
        workspaceId: workspace.id,
        isStart,
      });
    const { agentId } = await insertAgent(server, server.owner, "held");
    for (const isStart of [true, false]) {
      const { ended } = await followLogs(server, agentId, await renew(true));
      await renew(isStart);
      expect(await ended).toEqual({ code: 1008, reason: "Your session was ended." });
    }
  });

  test("an orphaned delete that a daemon can take has no state", async () => {
    const workspace = await make.createWorkspace("orphan-live", template.id, {
      rich_parameter_values: cpu("1"),
    });
    await build(workspace, { transition: "stop" }, server.owner);
    await make.finishBuild(workspace.id, { state: state(2) });
    const orphan = await build(workspace, { transition: "delete", orphan: true }, server.owner);
    expect(orphan.status).toBe("pending");
    const raw = await server.owner.client.fetch(builds.getBuildState, {
      params: { workspacebuild: orphan.id },
    });
    expect(await raw.text()).toBe("");
    await make.finishBuild(workspace.id);
  });

  test("an orphaned delete that waits is not given the state that a lost daemon hands in", async () => {
    const first = await make.createWorkspace("orphan-late", template.id, { rich_parameter_values: cpu("1") });
    const lost = await build(first, { transition: "start" }, server.owner);
    const lease = await make.lease(lost.job.id);
    await failJob(server.deps, lease, { error: "lost", errorCode: "", state: Buffer.alloc(0), timings: [] });
    const orphan = await build(first, { transition: "delete", orphan: true }, server.owner);
    expect(orphan.status).toBe("pending");
    const handed = await handInState(server.deps, {
      ...lease,
      ...{ state: state(4), lineage: "11111111-2222-3333-4444-555555555555", serial: 4 },
      organizationId: server.organizationId,
      keyId: daemons.reservedProvisionerKeyIds.builtIn,
      ownerId: null,
    });
    expect(handed).toEqual({ accepted: false, reason: "A later build was given a state of its own." });
    const params = { workspacebuild: orphan.id };
    const raw = await server.owner.client.fetch(builds.getBuildState, { params });
    expect(await raw.text()).toBe("");
    await make.finishBuild(first.id);
  });

  test("a build takes over the state that a lost daemon hands in while the build is planned", async () => {
    const first = await make.createWorkspace("planned-late", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const lost = await build(first, { transition: "start" }, server.owner);
    const lease = await make.lease(lost.job.id);
    await failJob(server.deps, lease, { error: "lost", errorCode: "", state: state(2), timings: [] });
    const { db } = server;
    const plan = await planBuild(server.deps, {
      workspace: await db
        .selectFrom("workspaces")
        .selectAll()
        .where("id", "=", first.id)
        .executeTakeFirstOrThrow(),
      template: await db
        .selectFrom("templates")
        .selectAll()
        .where("id", "=", template.id)
        .executeTakeFirstOrThrow(),
      subject: null,
      initiatorId: server.owner.user.id,
      request: { transition: "stop", parameters: [], reason: "initiator" },
    });
    const handed = await handInState(server.deps, {
      ...lease,
      ...{ state: state(4), lineage: "11111111-2222-3333-4444-555555555555", serial: 4 },
      organizationId: server.organizationId,
      keyId: daemons.reservedProvisionerKeyIds.builtIn,
      ownerId: null,
    });
    expect(handed).toEqual({ accepted: true, reason: "" });
    const next = await server.db.transaction().execute((tx) => insertBuild(tx, server.deps, plan));
    const raw = await server.owner.client.fetch(builds.getBuildState, {
      params: { workspacebuild: next.id },
    });
    expect(await raw.json()).toMatchObject({ serial: 4 });
    await make.finishBuild(first.id);
  });

  test("state is replaced when no build is writing it", async () => {
    const workspace = await make.createWorkspace("pushed-state", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const params = { workspacebuild: workspace.latest_build.id };
    const { client } = server.owner;
    await client.call(builds.updateBuildState, { params, body: { state: base64(state(7)) } });
    const raw = await client.fetch(builds.getBuildState, { params });
    expect(await raw.json()).toMatchObject({ serial: 7 });
    const stored = await server.db.selectFrom("workspace_build_states").select("state").execute();
    for (const row of stored) expect(row.state.includes("lineage")).toBe(false);
    const active = await build(workspace, { transition: "stop" }, server.owner);
    const early = client.call(builds.updateBuildState, {
      params: { workspacebuild: active.id },
      body: { state: base64(state(8)) },
    });
    await expect(early).rejects.toMatchObject({ status: 409 });
    await make.finishBuild(workspace.id);
  });
});

test("a state that came too late is there for who manages the template, and for nobody else", async () => {
  const workspace = await make.createWorkspace("late-state", template.id, {
    rich_parameter_values: cpu("1"),
  });
  const params = { workspacebuild: workspace.latest_build.id };
  const { client } = server.owner;
  await expect(client.fetch(builds.getKeptBuildState, { params })).rejects.toMatchObject({ status: 404 });
  for (const serial of [9, 8]) {
    const id = randomUUID();
    const { keyId, data } = server.deps.keyring.encrypt(state(serial), `workspace_kept_states/${id}`);
    const row = {
      id,
      workspace_id: workspace.id,
      build_id: workspace.latest_build.id,
      lineage: "one",
      serial,
    };
    await server.db
      .insertInto("workspace_kept_states")
      .values({
        ...row,
        state: data,
        key_id: keyId,
        reason: "A later build has started.",
        created_at: new Date(),
      })
      .execute();
  }
  expect(await (await client.fetch(builds.getKeptBuildState, { params })).json()).toMatchObject({
    serial: 9,
  });
  const theirs = member.client.fetch(builds.getKeptBuildState, { params });
  await expect(theirs).rejects.toMatchObject({ status: 404 });
});

test("a build that ends between two of our reads is shown whole", async () => {
  const workspace = await theirs.createWorkspace("torn", template.id, { rich_parameter_values: cpu("1") });
  const { id, job } = await build(workspace, { transition: "start" });
  const before = await server.db
    .selectFrom("workspace_builds")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const resources = [{ name: "dev", type: "docker_container", dailyCost: 5 }];
  await make.complete(job.id, { case: "workspaceBuild", value: { resources } });
  expect(await toApiBuilds(server.db, server.deps, [before])).toMatchObject([
    { status: "running", daily_cost: 5, resources: [{ name: "dev" }] },
  ]);
});

describe("canceling a build", () => {
  test("ends a pending one at once and interrupts a running one", async () => {
    const workspace = await theirs.createWorkspace("canceled", template.id, {
      rich_parameter_values: cpu("1"),
    });
    const cancel = (id: string, expect_status?: "pending" | "running") =>
      member.client.call(builds.cancelBuild, {
        params: { workspacebuild: id },
        query: expect_status ? { expect_status } : {},
      });
    const pending = await build(workspace, { transition: "stop" });
    await expect(cancel(pending.id, "running")).rejects.toMatchObject({ status: 412 });
    await cancel(pending.id, "pending");
    const status = async (id: string) =>
      (await member.client.call(builds.getBuild, { params: { workspacebuild: id } })).status;
    expect(await status(pending.id)).toBe("canceled");
    await expect(cancel(pending.id)).rejects.toMatchObject({ status: 400 });

    const running = await build(workspace, { transition: "stop" });
    await make.lease(running.job.id);
    await expect(cancel(running.id, "pending")).rejects.toMatchObject({ status: 412 });
    await cancel(running.id, "running");
    expect(await status(running.id)).toBe("canceling");
  });

  test("of a running one needs the template's leave", async () => {
    const fixed = await make.createTemplate("fixed", {
      settings: { allow_user_cancel_workspace_jobs: false },
    });
    const workspace = await theirs.createWorkspace("uncancelable", fixed.id);
    const running = await build(workspace, { transition: "stop" });
    await make.lease(running.job.id);
    const params = { workspacebuild: running.id };
    await expect(member.client.call(builds.cancelBuild, { params })).rejects.toMatchObject({ status: 403 });
    await server.owner.client.call(builds.cancelBuild, { params });
  });
});
