import { templates, users, workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestTemplates, testTemplates } from "../builds/testing/test-templates.ts";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { subjectOf } from "../tokens/account-of-key.ts";
import { loadKeyWithUser } from "../tokens/load-key.ts";
import { watchWorkspace } from "./watch-workspace.ts";

let server: TestServer;
let make: TestTemplates;
let template: templates.Template;

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
  template = await make.createTemplate("plain", {
    result: { richParameters: [{ name: "size", type: "string", defaultValue: "small", mutable: true }] },
  });
});

afterAll(() => server.close());

describe("creating a workspace", () => {
  test("queues its first build with defaults for parameters", async () => {
    const member = await server.createUser({ username: "creator" });
    const workspace = await member.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: {
        name: "dev",
        template_id: template.id,
        ttl_ms: 3_600_000,
        autostart_schedule: "CRON_TZ=UTC 0 9 * * 1-5",
      },
    });
    expect(workspace).toMatchObject({
      name: "dev",
      owner_name: "creator",
      template_name: "plain",
      ttl_ms: 3_600_000,
      autostart_schedule: "CRON_TZ=UTC 0 9 * * 1-5",
      outdated: false,
      latest_build: { build_number: 1, transition: "start", status: "pending", reason: "initiator" },
    });
    const audited = await server.db
      .selectFrom("audit_logs")
      .select(["action", "resource_type"])
      .where("user_id", "=", member.user.id)
      .execute();
    expect(audited).toEqual(
      expect.arrayContaining([
        { action: "create", resource_type: "workspace" },
        { action: "start", resource_type: "workspace_build" },
      ]),
    );
  });

  test.each([
    { body: { name: "two words" }, field: "name" },
    { body: { name: "new" }, field: "name" },
    { body: { name: "short", ttl_ms: 1000 }, field: "ttl_ms" },
    { body: { name: "cron", autostart_schedule: "whenever" }, field: "schedule" },
    { body: { name: "extra", rich_parameter_values: [{ name: "colour", value: "red" }] }, field: "colour" },
  ])("refuses $body", async ({ body, field }) => {
    const refused = server.owner.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { template_id: template.id, ...body },
    });
    await expect(refused).rejects.toMatchObject({ status: 400, validations: [{ field }] });
  });

  test("refuses a name that the owner uses, whatever its case", async () => {
    await make.createWorkspace("taken", template.id);
    const again = server.owner.client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "Taken", template_id: template.id },
    });
    await expect(again).rejects.toMatchObject({ status: 409, validations: [{ field: "name" }] });
  });

  test("two at once with one name: one is made", async () => {
    const both = await Promise.allSettled(
      [1, 2].map(() =>
        server.owner.client.call(workspaces.createWorkspace, {
          params: { user: "me" },
          body: { name: "race", template_id: template.id },
        }),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(both.find((each) => each.status === "rejected")).toMatchObject({ reason: { status: 409 } });
  });

  test("for a service account needs the right to create workspaces for it", async () => {
    const account = await server.createUser({ username: "oncall", isServiceAccount: true });
    const member = await server.createUser();
    const body = { name: "oncall-box", template_id: template.id };
    const refused = member.client.call(workspaces.createWorkspace, {
      params: { user: account.user.id },
      body,
    });
    await expect(refused).rejects.toMatchObject({ status: 403 });
    const made = await server.owner.client.call(workspaces.createWorkspace, {
      params: { user: account.user.id },
      body,
    });
    expect(made).toMatchObject({ owner_id: account.user.id, latest_build: { initiator_name: "owner" } });
  });

  test("from a hidden or deprecated template is refused", async () => {
    const hidden = await make.createTemplate("hidden", { settings: { disable_everyone_group_access: true } });
    const old = await make.createTemplate("old");
    await server.owner.client.call(templates.updateTemplate, {
      params: { template: old.id },
      body: { deprecation_message: "Use plain." },
    });
    const member = await server.createUser();
    const create = (template_id: string) =>
      member.client.call(workspaces.createWorkspace, {
        params: { user: "me" },
        body: { name: "x", template_id },
      });
    await expect(create(hidden.id)).rejects.toMatchObject({ status: 404 });
    await expect(create(old.id)).rejects.toMatchObject({ status: 400, detail: "Use plain." });
  });
});

describe("a workspace", () => {
  test("of somebody else answers like an absent one", async () => {
    const workspace = await make.createWorkspace("private", template.id);
    const stranger = await server.createUser();
    const params = { workspace: workspace.id };
    await expect(stranger.client.call(workspaces.getWorkspace, { params })).rejects.toMatchObject({
      status: 404,
    });
    const start = stranger.client.call(workspaces.createWorkspaceBuild, {
      params,
      body: { transition: "start" },
    });
    await expect(start).rejects.toMatchObject({ status: 404 });
    const { count } = await stranger.client.call(workspaces.getWorkspaces);
    expect(count).toBe(0);
  });

  test("is found by owner and name, and gone once deleted", async () => {
    const workspace = await make.createWorkspace("short-lived", template.id);
    const { client } = server.owner;
    const byName = { user: "owner", workspacename: "Short-Lived" };
    expect(await client.call(workspaces.getWorkspaceByName, { params: byName })).toMatchObject({
      id: workspace.id,
    });
    const params = { workspace: workspace.id };
    await client.call(workspaces.createWorkspaceBuild, { params, body: { transition: "delete" } });
    await make.finishBuild(workspace.id);
    await expect(client.call(workspaces.getWorkspace, { params })).rejects.toMatchObject({ status: 410 });
    await expect(client.call(workspaces.getWorkspaceByName, { params: byName })).rejects.toMatchObject({
      status: 404,
    });
    const deleted = await client.call(workspaces.getWorkspace, { params, query: { include_deleted: true } });
    expect(deleted.latest_build.status).toBe("deleted");
  });

  test("is renamed where the template allows it", async () => {
    const workspace = await make.createWorkspace("before", template.id);
    const { client } = server.owner;
    const rename = () =>
      client.call(workspaces.updateWorkspace, {
        params: { workspace: workspace.id },
        body: { name: "after" },
      });
    await expect(rename()).rejects.toMatchObject({ status: 400 });
    const params = { template: template.id };
    await client.call(templates.updateTemplate, { params, body: { allow_workspace_renames: true } });
    await rename();
    expect(await client.call(workspaces.getWorkspace, { params: { workspace: workspace.id } })).toMatchObject(
      {
        name: "after",
      },
    );
    await client.call(templates.updateTemplate, { params, body: { allow_workspace_renames: false } });
  });

  test("remembers use and the wish for updates", async () => {
    const workspace = await make.createWorkspace("used", template.id);
    const { client } = server.owner;
    const params = { workspace: workspace.id };
    server.clock.advance(60_000);
    await client.call(workspaces.postWorkspaceUsage, { params });
    await client.call(workspaces.updateAutomaticUpdates, { params, body: { automatic_updates: "always" } });
    const after = await client.call(workspaces.getWorkspace, { params });
    expect(after.automatic_updates).toBe("always");
    expect(Date.parse(after.last_used_at)).toBeGreaterThan(Date.parse(workspace.last_used_at) + 50_000);
  });
});

describe("watching a workspace", () => {
  test("tells every change, over server-sent events and WebSocket alike", async () => {
    const workspace = await make.createWorkspace("watched", template.id);
    const { client } = server.owner;
    const params = { workspace: workspace.id };
    const stop = new AbortController();
    const sse = (async () => {
      for await (const event of client.events(workspaces.watchWorkspace, { params, signal: stop.signal })) {
        if (event.event !== "data") continue;
        const seen = workspaces.Workspace.parse(JSON.parse(event.data));
        if (seen.latest_build.status === "stopped") return seen.latest_build.build_number;
      }
      return undefined;
    })();
    const { url, headers } = client.webSocket(workspaces.watchWorkspaceWs, { params });
    const socket = new WebSocket(url, { headers });
    const overSocket = new Promise<number>((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const message = workspaces.WatchMessage.parse(JSON.parse(String(data)));
        const seen = workspaces.Workspace.parse(message.data);
        if (seen.latest_build.status === "stopped") resolve(seen.latest_build.build_number);
      });
    });
    await client.call(workspaces.createWorkspaceBuild, { params, body: { transition: "stop" } });
    await make.finishBuild(workspace.id);
    expect(await Promise.all([sse, overSocket])).toEqual([2, 2]);
    stop.abort();
    socket.close();
  });

  test("shows what there was no room for once there is, though nothing changes any more", async () => {
    const workspace = await make.createWorkspace("slow", template.id);
    const found = await loadKeyWithUser(server.db, server.owner.token.slice(0, 10));
    if (!found) throw new Error("the owner has no key");
    const auth = { ...found, subject: subjectOf(found, server.deps.config) };
    const ended = new AbortController();
    const offered: string[] = [];
    const seen = new Promise<void>((resolve) => {
      const sink = {
        data({ latest_build: { status } }: workspaces.Workspace) {
          // The client has stopped reading when the last news comes, and reads again a moment later.
          const hasRoom = status !== "stopped" || offered.includes("stopped");
          offered.push(status);
          if (hasRoom && status === "stopped") resolve();
          return hasRoom;
        },
        error() {},
      };
      void watchWorkspace(server.deps, { auth, workspaceId: workspace.id, signal: ended.signal, sink });
    });
    const params = { workspace: workspace.id };
    await server.owner.client.call(workspaces.createWorkspaceBuild, { params, body: { transition: "stop" } });
    await make.finishBuild(workspace.id);
    await seen;
    ended.abort();
    expect(offered.slice(-2)).toEqual(["stopped", "stopped"]);
  });

  test("ends at once when the watcher's account is suspended", async () => {
    const member = await server.createUser();
    const theirs = testTemplates(server, member);
    const workspace = await theirs.createWorkspace("watched-too", template.id);
    const { url, headers } = member.client.webSocket(workspaces.watchWorkspaceWs, {
      params: { workspace: workspace.id },
    });
    const socket = new WebSocket(url, { headers });
    await new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
    await server.owner.client.call(users.suspendUser, { params: { user: member.user.id } });
    await closed;
  });
});
