import { files, templates, templateVersions, workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestTemplates, testTemplates } from "../builds/testing/test-templates.ts";
import { type TestServer, testServer } from "../testing/test-server.ts";

let server: TestServer;
let make: TestTemplates;

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
});

afterAll(() => server.close());

const inDefault = { organization: "default" };

describe("templates", () => {
  test("are made of an imported version, once", async () => {
    const version = await make.importVersion({ name: "v1" });
    const { client } = server.owner;
    const body = {
      name: "docker",
      template_version_id: version.id,
      description: "Containers",
      default_ttl_ms: 3_600_000,
    };
    const template = await client.call(templates.createTemplate, { params: inDefault, body });
    expect(template).toMatchObject({
      name: "docker",
      description: "Containers",
      default_ttl_ms: 3_600_000,
      activity_bump_ms: 3_600_000,
      active_version_id: version.id,
      created_by_name: "owner",
      allow_user_autostart: true,
    });

    const again = client.call(templates.createTemplate, {
      params: inDefault,
      body: { ...body, name: "other" },
    });
    await expect(again).rejects.toMatchObject({ status: 400 });
    const second = await make.importVersion();
    const sameName = client.call(templates.createTemplate, {
      params: inDefault,
      body: { name: "DOCKER", template_version_id: second.id },
    });
    await expect(sameName).rejects.toMatchObject({ status: 409, validations: [{ field: "name" }] });
  });

  test("are not made of a version whose import is under way", async () => {
    const { id } = await make.pushVersion();
    const early = server.owner.client.call(templates.createTemplate, {
      params: inDefault,
      body: { name: "early", template_version_id: id },
    });
    await expect(early).rejects.toMatchObject({ status: 406 });
  });

  test("keep what an update leaves out", async () => {
    const template = await make.createTemplate("settings", { settings: { description: "before" } });
    const params = { template: template.id };
    const { client } = server.owner;
    const updated = await client.call(templates.updateTemplate, {
      params,
      body: {
        display_name: "Settings",
        failure_ttl_ms: 60_000,
        autostop_requirement: { days_of_week: ["sunday"], weeks: 2 },
      },
    });
    expect(updated).toMatchObject({
      name: "settings",
      description: "before",
      display_name: "Settings",
      failure_ttl_ms: 60_000,
      autostop_requirement: { days_of_week: ["sunday"], weeks: 2 },
    });
    const tooShort = client.call(templates.updateTemplate, { params, body: { failure_ttl_ms: 10 } });
    await expect(tooShort).rejects.toMatchObject({ status: 400, validations: [{ field: "failure_ttl_ms" }] });
  });

  test("are searched by the keys of the grammar; deprecated ones only on request", async () => {
    await make.createTemplate("search-a", { settings: { display_name: "Alpha box" } });
    const old = await make.createTemplate("search-old");
    const { client } = server.owner;
    await client.call(templates.updateTemplate, {
      params: { template: old.id },
      body: { deprecation_message: "Use search-a." },
    });
    const names = async (q: string) =>
      (await client.call(templates.getTemplates, { query: { q } })).map(({ name }) => name);
    expect(await names("alpha")).toEqual(["search-a"]);
    expect(await names("name:search")).toEqual(["search-a"]);
    expect(await names("name:search deprecated:true")).toEqual(["search-old"]);
    expect(await names("exact_name:search-a author:me")).toEqual(["search-a"]);
    await expect(names("colour:red")).rejects.toMatchObject({
      status: 400,
      validations: [{ field: "colour" }],
    });
  });

  test("stay while workspaces exist", async () => {
    const template = await make.createTemplate("busy");
    const workspace = await make.createWorkspace("keeps-it", template.id);
    const params = { template: template.id };
    const { client } = server.owner;
    await expect(client.call(templates.deleteTemplate, { params })).rejects.toMatchObject({ status: 400 });
    await client.call(workspaces.createWorkspaceBuild, {
      params: { workspace: workspace.id },
      body: { transition: "delete" },
    });
    await make.finishBuild(workspace.id);
    await client.call(templates.deleteTemplate, { params });
    await expect(client.call(templates.getTemplate, { params })).rejects.toMatchObject({ status: 404 });
  });

  test("members see and use them, and change nothing", async () => {
    const template = await make.createTemplate("for-all");
    const hidden = await make.createTemplate("for-few", {
      settings: { disable_everyone_group_access: true },
    });
    const member = await server.createUser();
    const params = { template: template.id };
    expect(await member.client.call(templates.getTemplate, { params })).toMatchObject({ name: "for-all" });
    const update = member.client.call(templates.updateTemplate, { params, body: { description: "mine" } });
    await expect(update).rejects.toMatchObject({ status: 403 });
    const unseen = member.client.call(templates.getTemplate, { params: { template: hidden.id } });
    await expect(unseen).rejects.toMatchObject({ status: 404 });
    const listed = await member.client.call(templates.getTemplates);
    expect(listed.map(({ name }) => name)).toContain("for-all");
    expect(listed.map(({ name }) => name)).not.toContain("for-few");
  });

  test("come with starter templates to begin from", async () => {
    const { client } = server.owner;
    const examples = await client.call(templates.getExamples);
    expect(examples.map(({ id }) => id)).toEqual(expect.arrayContaining(["docker", "local"]));
    const version = await client.call(templateVersions.createTemplateVersion, {
      params: inDefault,
      body: { storage_method: "file", example_id: "docker", provisioner: "terraform" },
    });
    const archive = await client.fetch(files.downloadFile, { params: { file: version.job.file_id } });
    expect(archive.status).toBe(200);
    const unknown = client.call(templateVersions.createTemplateVersion, {
      params: inDefault,
      body: { storage_method: "file", example_id: "no-such", provisioner: "terraform" },
    });
    await expect(unknown).rejects.toMatchObject({ status: 400, validations: [{ field: "example_id" }] });
  });
});
