import { type templates, workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestTemplates, testTemplates } from "../builds/testing/test-templates.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";

let server: TestServer;
let make: TestTemplates;
let docker: templates.Template;
let member: TestUser;

const agent = { name: "main", operatingSystem: "linux", architecture: "amd64" };

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
  docker = await make.createTemplate("docker", {
    result: { richParameters: [{ name: "region", type: "string", defaultValue: "eu", mutable: true }] },
  });
  const vm = await make.createTemplate("vm");
  await make.createWorkspace("alpha", docker.id);
  await make.createWorkspace("beta", docker.id, { rich_parameter_values: [{ name: "region", value: "us" }] });
  const gamma = await make.createWorkspace("gamma", vm.id);
  await server.owner.client.call(workspaces.createWorkspaceBuild, {
    params: { workspace: gamma.id },
    body: { transition: "stop" },
  });
  await make.finishBuild(gamma.id);
  member = await server.createUser({ username: "alice" });
  const theirs = testTemplates(server, member);
  const delta = await theirs.createWorkspace("delta", docker.id);
  await member.client.call(workspaces.createWorkspaceBuild, {
    params: { workspace: delta.id },
    body: { transition: "start" },
  });
  await make.finishBuild(delta.id, {
    resources: [{ name: "dev", type: "docker_container", agents: [agent] }],
  });
  await make.importVersion({ templateId: vm.id });
});

afterAll(() => server.close());

async function names(q: string, as: TestUser = server.owner): Promise<string[]> {
  const { workspaces: page } = await as.client.call(workspaces.getWorkspaces, { query: { q } });
  return page.map(({ owner_name, name }) => `${owner_name}/${name}`);
}

describe("the list of workspaces", () => {
  test.each([
    ["", ["alice/delta", "owner/alpha", "owner/beta", "owner/gamma"]],
    ["alp", ["owner/alpha"]],
    ["owner/a", ["owner/alpha", "owner/beta", "owner/gamma"]],
    ["owner:me", ["owner/alpha", "owner/beta", "owner/gamma"]],
    ["owner:ALICE", ["alice/delta"]],
    ["name:eta", ["owner/beta"]],
    ["template:vm", ["owner/gamma"]],
    ["status:stopped", ["owner/gamma"]],
    ["status:running,stopped template:docker", ["alice/delta", "owner/alpha", "owner/beta"]],
    ["has-agent:connecting", ["alice/delta"]],
    ["healthy:true", []],
    ["dormant:true", []],
    ["outdated:true", []],
    ["param:region=us", ["owner/beta"]],
    ["param:region", ["alice/delta", "owner/alpha", "owner/beta"]],
    ["organization:default", ["alice/delta", "owner/alpha", "owner/beta", "owner/gamma"]],
    ["organization:other", []],
    ["shared:true", []],
    ["shared:false name:alpha", ["owner/alpha"]],
    ["shared_with_user:alice", []],
    ["shared_with_group:devs", []],
    ["has_external_agent:true", []],
    ["has-ai-task:true", []],
    ['last_used_after:"2100-01-01T00:00:00Z"', []],
    ['last_used_before:"2100-01-01T00:00:00Z" name:alpha', ["owner/alpha"]],
    ["name:a%a", []],
  ])("q=%s", async (q, expected) => {
    expect(await names(q)).toEqual(expected);
  });

  test.each(["colour:red", "status:flying", "owner/a/b", "shared_with_user:me", "has-agent:on", "a:b:c"])(
    "refuses q=%s",
    async (q) => {
      await expect(names(q)).rejects.toMatchObject({ status: 400, validations: [expect.anything()] });
    },
  );

  test("holds only what the caller may see", async () => {
    expect(await names("", member)).toEqual(["alice/delta"]);
    const admin = await server.createUser({ roles: ["template-admin"] });
    expect(await names("", admin)).toHaveLength(4);
  });

  test("comes in pages, with the count of all", async () => {
    const { client } = server.owner;
    const page = async (query: { limit: number; offset?: number; after_id?: string }) => {
      const { workspaces: rows, count } = await client.call(workspaces.getWorkspaces, { query });
      return { ids: rows.map(({ id }) => id), names: rows.map(({ name }) => name), count };
    };
    const first = await page({ limit: 2 });
    expect(first).toMatchObject({ names: ["delta", "alpha"], count: 4 });
    expect(await page({ limit: 2, offset: 2 })).toMatchObject({ names: ["beta", "gamma"], count: 4 });
    expect(await page({ limit: 2, after_id: first.ids[1]! })).toMatchObject({
      names: ["beta", "gamma"],
      count: 4,
    });
  });

  test("begins with the caller's favourites, and nobody else's", async () => {
    const { client } = server.owner;
    const {
      workspaces: [gamma],
    } = await client.call(workspaces.getWorkspaces, { query: { q: "name:gamma" } });
    const params = { workspace: gamma!.id };
    await client.call(workspaces.favoriteWorkspace, { params });
    expect((await names(""))[0]).toBe("owner/gamma");
    const admin = await server.createUser({ roles: ["owner"] });
    expect((await names("", admin))[0]).toBe("alice/delta");
    await expect(admin.client.call(workspaces.favoriteWorkspace, { params })).rejects.toMatchObject({
      status: 403,
    });
    await client.call(workspaces.unfavoriteWorkspace, { params });
    expect((await names(""))[0]).toBe("alice/delta");
  });
});
