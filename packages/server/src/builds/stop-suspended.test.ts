import { builds, type templates, users, workspaces } from "@slipway/api";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { runQueuedStarts } from "./queued-starts.ts";
import { runSuspendedStops } from "./stop-suspended.ts";
import { type TestTemplates, testTemplates } from "./testing/test-templates.ts";

let server: TestServer;
let make: TestTemplates;
let template: templates.Template;

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
  template = await make.createTemplate("plain");
});
afterAll(() => server.close());

const admin = () => server.owner.client;
const suspend = (user: TestUser) => admin().call(users.suspendUser, { params: { user: user.user.id } });
const activate = (user: TestUser) => admin().call(users.activateUser, { params: { user: user.user.id } });

async function transitions(workspace: { id: string }): Promise<string[]> {
  const all = await admin().call(workspaces.getWorkspaceBuilds, { params: { workspace: workspace.id } });
  return all.map(({ transition }) => transition).reverse();
}

describe("suspending someone", () => {
  test("stops what they left running, in the name of who did it, and activating starts nothing", async () => {
    const leaver = await server.createUser();
    const theirs = testTemplates(server, leaver);
    const running = await theirs.createWorkspace("running", template.id);
    const stopped = await theirs.createWorkspace("stopped", template.id);
    await leaver.client.call(workspaces.createWorkspaceBuild, {
      params: { workspace: stopped.id },
      body: { transition: "stop" },
    });
    await make.finishBuild(stopped.id);
    await suspend(leaver);
    // Besides the server's own pass, as replicas do.
    await Promise.all([runSuspendedStops(server.deps), runSuspendedStops(server.deps)]);
    const latestBuild = async () =>
      (await admin().call(workspaces.getWorkspace, { params: { workspace: running.id } })).latest_build;
    await expect.poll(latestBuild, { timeout: 10_000 }).toMatchObject({
      build_number: 2,
      transition: "stop",
      initiator_name: server.owner.user.username,
    });
    expect(await transitions(stopped)).toEqual(["start", "stop"]);

    await make.finishBuild(running.id);
    await activate(leaver);
    expect(await runSuspendedStops(server.deps)).toBe(0);
    expect(await transitions(running)).toEqual(["start", "stop"]);
  });

  test("stops the others where one of them cannot be, its state damaged", async () => {
    const leaver = await server.createUser();
    const theirs = testTemplates(server, leaver);
    const damaged = await theirs.createWorkspace("damaged", template.id);
    const other = await theirs.createWorkspace("other", template.id);
    await admin().call(builds.updateBuildState, {
      params: { workspacebuild: damaged.latest_build.id },
      body: { state: Buffer.from('{"version":4}').toString("base64") },
    });
    await server.db
      .updateTable("workspace_build_states")
      .set({ state: Buffer.from("damaged") })
      .where("build_id", "=", damaged.latest_build.id)
      .execute();
    await suspend(leaver);
    await expect.poll(() => transitions(other), { timeout: 10_000 }).toEqual(["start", "stop"]);
    expect(await transitions(damaged)).toEqual(["start"]);
    await activate(leaver);
  });

  test("stops what is still starting once it has started, and lets no queued start follow", async () => {
    const leaver = await server.createUser();
    const workspace = await leaver.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "starting", template_id: template.id },
    });
    const restarting = await testTemplates(server, leaver).createWorkspace("restarting", template.id);
    await leaver.client.call(workspaces.createWorkspaceBuild, {
      params: { workspace: restarting.id },
      body: { transition: "stop", on_success: { transition: "start", rich_parameter_values: [] } },
    });
    await suspend(leaver);
    expect(await runSuspendedStops(server.deps)).toBe(0);
    await make.finishBuild(workspace.id);
    await make.finishBuild(restarting.id);
    // Besides the server's own pass, which may have come first.
    await runSuspendedStops(server.deps);
    await expect.poll(() => transitions(workspace), { timeout: 10_000 }).toEqual(["start", "stop"]);
    await runQueuedStarts(server.deps);
    expect(await transitions(workspace)).toEqual(["start", "stop"]);
    expect(await transitions(restarting)).toEqual(["start", "stop"]);
  });

  test("leaves alone what an admin starts afterwards, and what runs when they are back in time", async () => {
    const leaver = await server.createUser();
    const workspace = await testTemplates(server, leaver).createWorkspace("kept", template.id);
    await suspend(leaver);
    await activate(leaver);
    expect(await runSuspendedStops(server.deps)).toBe(0);

    await suspend(leaver);
    await runSuspendedStops(server.deps);
    await make.finishBuild(workspace.id);
    await admin().call(workspaces.createWorkspaceBuild, {
      params: { workspace: workspace.id },
      body: { transition: "start" },
    });
    await make.finishBuild(workspace.id);
    expect(await runSuspendedStops(server.deps)).toBe(0);
    expect(await transitions(workspace)).toEqual(["start", "stop", "start"]);
  });
});

test("no workspace is made for someone who is deleted at that moment", async () => {
  const leaver = await server.createUser();
  const deletion = await server.db.startTransaction().execute();
  await deletion.selectFrom("users").select("id").where("id", "=", leaver.user.id).forUpdate().execute();
  const request = admin().call(workspaces.createWorkspace, {
    params: { user: leaver.user.username },
    body: { name: "late", template_id: template.id },
  });
  const refused = expect(request).rejects.toMatchObject({ status: 409 });
  const waiting = async () =>
    (
      await sql`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(server.db)
    ).rows.length;
  await expect.poll(waiting, { timeout: 10_000 }).toBeGreaterThan(0);
  await deletion.updateTable("users").set({ deleted: true }).where("id", "=", leaver.user.id).execute();
  await deletion.commit().execute();
  await refused;
});
