import { create } from "@bufbuild/protobuf";
import { apiKeys, members, templates, users, templateVersions as versions } from "@slipway/api";
import { TemplateVariableSchema } from "@slipway/proto/provisioner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestTemplates, testTemplates } from "../builds/testing/test-templates.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { toApiVersions } from "./to-api-versions.ts";

let server: TestServer;
let make: TestTemplates;

beforeAll(async () => {
  server = await testServer();
  make = testTemplates(server);
});

afterAll(() => server.close());

describe("an import", () => {
  test("waits in the queue with the tags of template, request and uploader", async () => {
    const version = await make.pushVersion({
      source: {
        "main.tf": 'data "coder_workspace_tags" "t" {\n  tags = { zone = "eu", size = "small" }\n}\n',
      },
      tags: { size: "large" },
    });
    expect(version.job).toMatchObject({
      status: "pending",
      type: "template_version_import",
      tags: { scope: "organization", owner: "", zone: "eu", size: "large" },
    });
    expect(version.matched_provisioners).toMatchObject({ available: 0 });
  });

  test("of a template that does not parse is refused with file and line", async () => {
    const push = make.pushVersion({ source: { "main.tf": 'resource "x" {\n  = 1\n}\n' } });
    await expect(push).rejects.toMatchObject({ status: 400, detail: expect.stringContaining("main.tf:2") });
  });

  test("with a variable that breaks a rule of the template is refused in Terraform's words", async () => {
    const rule = `condition = var.zone != "mars"\nerror_message = "No \${var.zone}."`;
    const source = { "main.tf": `variable "zone" {\nvalidation {\n${rule}\n}\n}\n` };
    const push = (value: string) => make.pushVersion({ source, userVariables: [{ name: "zone", value }] });
    await expect(push("mars")).rejects.toMatchObject({
      status: 400,
      detail:
        "main.tf:1,1: Invalid value for variable; No mars.\n\nThis was checked by the validation rule at main.tf:2,1-11.",
    });
    expect((await push("eu")).job.status).toBe("pending");
  });

  test("shows nothing of its results before it has ended", async () => {
    const { id, job } = await make.pushVersion();
    const params = { templateversion: id };
    const { client } = server.owner;
    await expect(client.call(versions.getRichParameters, { params })).rejects.toMatchObject({ status: 425 });
    await client.call(versions.cancelTemplateVersion, { params });
    expect(await client.call(versions.getTemplateVersion, { params })).toMatchObject({
      job: { id: job.id, status: "canceled" },
    });
  });

  test("tells parameters, presets, variables, resources and warnings", async () => {
    const version = await make.importVersion({
      variables: [
        variable("region", { defaultValue: "eu" }),
        variable("secret", { sensitive: true, required: true }),
      ],
      userVariables: [{ name: "secret", value: "hunter2" }],
      result: {
        richParameters: [
          {
            name: "cpu",
            type: "number",
            mutable: true,
            defaultValue: "2",
            validationMin: 1,
            validationMax: 8,
            description: "**Cores**",
          },
        ],
        presets: [{ name: "small", parameters: [{ name: "cpu", value: "1" }], default: true }],
        startResources: [
          {
            name: "dev",
            type: "docker_container",
            agents: [{ name: "main", operatingSystem: "linux", architecture: "amd64" }],
          },
        ],
        warnings: [{ severity: 4, summary: "No agent", detail: "Add one.", file: "main.tf", line: 3 }],
      },
    });
    expect(version.warnings).toEqual(["main.tf:3: No agent: Add one."]);
    const params = { templateversion: version.id };
    const { client } = server.owner;
    expect(await client.call(versions.getRichParameters, { params })).toMatchObject([
      { name: "cpu", type: "number", validation_min: 1, validation_max: 8, description_plaintext: "Cores" },
    ]);
    expect(await client.call(versions.getPresets, { params })).toMatchObject([
      { Name: "small", Default: true, Parameters: [{ Name: "cpu", Value: "1" }] },
    ]);
    expect(await client.call(versions.getVariables, { params })).toMatchObject([
      { name: "region", value: "eu" },
      { name: "secret", value: "*redacted*" },
    ]);
    expect(await client.call(versions.getVersionResources, { params })).toMatchObject([
      { name: "dev", workspace_transition: "start", agents: [{ name: "main", status: "connecting" }] },
    ]);
    const stored = JSON.stringify(await server.db.selectFrom("provisioner_jobs").selectAll().execute());
    expect(stored).not.toContain("hunter2");
  });
});

test("an import that ends between two of our reads is shown whole", async () => {
  const { id, job } = await make.pushVersion();
  const before = await server.db
    .selectFrom("template_versions")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const warnings = [{ severity: 4, summary: "No agent" }];
  await make.complete(job.id, { case: "templateImport", value: { warnings } });
  expect(await toApiVersions(server.db, [before])).toMatchObject([
    { job: { status: "succeeded" }, warnings: [expect.stringContaining("No agent")] },
  ]);
});

describe("versions of a template", () => {
  test("are named once, promoted when imported, and archived when unused", async () => {
    const template = await make.createTemplate("versioned", { name: "one" });
    const two = await make.importVersion({ templateId: template.id, name: "two" });
    const { client } = server.owner;
    await expect(make.pushVersion({ templateId: template.id, name: "TWO" })).rejects.toMatchObject({
      status: 409,
    });

    const pending = await make.pushVersion({ templateId: template.id, name: "three" });
    const params = { template: template.id };
    const promote = (id: string) =>
      client.call(versions.updateActiveTemplateVersion, { params, body: { id } });
    await expect(promote(pending.id)).rejects.toMatchObject({ status: 400 });
    await promote(two.id);
    expect(await client.call(templates.getTemplate, { params })).toMatchObject({ active_version_id: two.id });

    const archived = await client.call(versions.archiveTemplateVersions, { params, body: { all: true } });
    expect(archived.archived_ids).toEqual([template.active_version_id]);
    await expect(promote(template.active_version_id)).rejects.toMatchObject({ status: 400 });
    const names = async (include_archived: boolean) => {
      const list = await client.call(versions.getTemplateVersions, { params, query: { include_archived } });
      return list.map(({ name }) => name);
    };
    expect(await names(false)).toEqual(["two", "three"]);
    expect(await names(true)).toEqual(["one", "two", "three"]);

    const inUse = client.call(versions.archiveTemplateVersion, { params: { templateversion: two.id } });
    await expect(inUse).rejects.toMatchObject({ status: 400 });
    await client.call(versions.unarchiveTemplateVersion, {
      params: { templateversion: template.active_version_id },
    });
    expect(await names(false)).toEqual(["one", "two", "three"]);
  });

  test("are found by name, with the one before", async () => {
    const template = await make.createTemplate("ordered", { name: "first" });
    await make.importVersion({ templateId: template.id, name: "second" });
    const { client } = server.owner;
    const params = { organization: "default", templatename: "ordered", templateversionname: "second" };
    expect(await client.call(versions.getPreviousTemplateVersion, { params })).toMatchObject({
      name: "first",
    });
    const first = await client.fetch(versions.getPreviousTemplateVersion, {
      params: { ...params, templateversionname: "first" },
    });
    expect(first.status).toBe(204);
  });

  test("take over the values of variables that a push leaves out", async () => {
    const zone = variable("zone", { required: true });
    const template = await make.createTemplate("inherits", {
      variables: [zone],
      userVariables: [{ name: "zone", value: "eu" }],
    });
    await make.importVersion({
      templateId: template.id,
      name: "next",
      variables: [zone],
      source: {
        "main.tf": 'variable "zone" {}\ndata "coder_workspace_tags" "t" {\n  tags = { zone = var.zone }\n}\n',
      },
    });
    const next = await server.owner.client.call(versions.getTemplateVersionByName, {
      params: { template: template.id, templateversionname: "next" },
    });
    expect(next.job.tags).toMatchObject({ zone: "eu" });
  });
});

describe("a dry run", () => {
  test("needs an imported version and good values, and is its author's", async () => {
    const template = await make.createTemplate("dry", {
      result: { richParameters: [{ name: "cpu", type: "number", required: true, mutable: true }] },
    });
    const member = await server.createUser();
    const params = { templateversion: template.active_version_id };
    const missing = member.client.call(versions.createDryRun, { params, body: {} });
    await expect(missing).rejects.toMatchObject({ status: 400, validations: [{ field: "cpu" }] });
    const job = await member.client.call(versions.createDryRun, {
      params,
      body: { workspace_name: "plan", rich_parameter_values: [{ name: "cpu", value: "2" }] },
    });
    expect(job).toMatchObject({ type: "template_version_dry_run", status: "pending" });

    const dryRun = { ...params, job: job.id };
    const early = member.client.call(versions.getDryRunResources, { params: dryRun });
    await expect(early).rejects.toMatchObject({ status: 425 });
    await make.complete(job.id, {
      case: "templateDryRun",
      value: { resources: [{ name: "planned", type: "null_resource" }] },
    });
    expect(await member.client.call(versions.getDryRunResources, { params: dryRun })).toMatchObject([
      { name: "planned" },
    ]);

    const other = await server.createUser();
    await expect(other.client.call(versions.getDryRun, { params: dryRun })).rejects.toMatchObject({
      status: 404,
    });
  });
});

describe("dynamic parameters", () => {
  test("judge what was typed so far, once or over a WebSocket", async () => {
    const { id } = await make.importVersion({
      result: {
        richParameters: [{ name: "cpu", type: "number", mutable: true, required: true, validationMax: 8 }],
      },
    });
    const params = { templateversion: id };
    const { client } = server.owner;
    const inputs = { cpu: "9" };
    const once = await client.call(versions.evaluateDynamicParameters, { params, body: { id: 7, inputs } });
    expect(once).toMatchObject({
      id: 7,
      parameters: [{ name: "cpu", diagnostics: [{ severity: "error" }] }],
    });

    const { url, headers } = client.webSocket(versions.watchDynamicParameters, { params });
    const socket = new WebSocket(url, { headers });
    const ids: number[] = [];
    const answered = new Promise<void>((resolve, reject) => {
      socket.addEventListener("error", reject);
      socket.addEventListener("message", ({ data }) => {
        const answer = versions.DynamicParametersResponse.parse(JSON.parse(String(data)));
        ids.push(answer.id);
        if (answer.id === -1) socket.send(JSON.stringify({ id: 1, inputs: { cpu: "4" } }));
        else if (answer.parameters[0]?.diagnostics.length === 0) resolve();
      });
    });
    await answered;
    expect(ids).toEqual([-1, 1]);
    socket.close();
  });

  test("follow what is chosen, and whose workspace it is", async () => {
    const { id } = await make.importVersion({
      source: {
        "main.tf": `
data "coder_workspace_owner" "me" {}
data "http" "sizes" {}
data "coder_parameter" "size" {
  name    = "size"
  order   = 2
  default = jsondecode(data.http.sizes.body)[0]
}
data "coder_parameter" "home" {
  name    = "home"
  order   = 1
  default = "/home/\${data.coder_workspace_owner.me.name}"
  styling = jsonencode({ placeholder = "a directory" })
}
data "coder_parameter" "quota" {
  count = data.coder_parameter.home.value == "/big" ? 1 : 0
  name  = "quota"
  type  = "number"
  order = 3
}
`,
      },
      result: {
        // The last one comes from a module of a registry, which the archive does not hold.
        richParameters: [
          { name: "home", type: "string", defaultValue: "/home/somebody", order: 1 },
          { name: "size", type: "string", defaultValue: "small", order: 2 },
          { name: "editor", type: "string", defaultValue: "vim", order: 4, mutable: true },
        ],
        plan: Buffer.from(
          JSON.stringify({
            prior_state: {
              values: {
                root_module: {
                  resources: [{ mode: "data", type: "http", name: "sizes", values: { body: '["small"]' } }],
                },
              },
            },
          }),
        ),
      },
    });
    const params = { templateversion: id };
    const member = await server.createUser({ username: "fay" });
    const { client } = server.owner;
    const ask = (inputs: Record<string, string>, ownerId?: string) =>
      client.call(versions.evaluateDynamicParameters, { params, body: { id: 1, inputs, owner_id: ownerId } });
    const shown = async (...args: Parameters<typeof ask>) => {
      const { parameters, diagnostics } = await ask(...args);
      expect(diagnostics).toEqual([]);
      return parameters.map(({ name, value }) => `${name}=${value.valid ? value.value : "?"}`);
    };
    expect(await shown({}, member.user.id)).toEqual(["home=/home/fay", "size=small", "editor=vim"]);
    expect(await shown({ home: "/big" })).toEqual(["home=/big", "size=small", "quota=?", "editor=vim"]);
    expect((await ask({ home: "/big", quota: "x" })).parameters[2]).toMatchObject({
      name: "quota",
      form_type: "input",
      diagnostics: [{ severity: "error", extra: { code: "invalid" } }],
    });
    expect((await ask({})).parameters[0]?.styling).toEqual({ placeholder: "a directory" });
    expect(await ask({}, "00000000-0000-4000-8000-000000000001")).toMatchObject({
      parameters: [],
      diagnostics: [{ severity: "error", extra: { code: "owner_not_found" } }],
    });
  });
});

function variable(
  name: string,
  fields: { defaultValue?: string; required?: boolean; sensitive?: boolean } = {},
) {
  return create(TemplateVariableSchema, { type: "string", ...fields, name });
}

describe("what is followed of a version", () => {
  type Ways = Record<string, (person: TestUser) => Promise<unknown>>;
  const by = () => server.owner.client;
  const withdrawals: Ways = {
    "a role": ({ user }) =>
      by().call(users.updateUserRoles, { params: { user: user.id }, body: { roles: [] } }),
    "the membership": ({ user }) =>
      by().call(members.removeMember, {
        params: { organization: server.organizationId, user: user.id },
      }),
    "the key": ({ token, user }) =>
      by().call(apiKeys.deleteKey, { params: { user: user.id, keyid: token.slice(0, 10) } }),
    "the account": ({ user }) => by().call(users.suspendUser, { params: { user: user.id } }),
    "the password": ({ user }) =>
      by().call(users.updateUserPassword, {
        params: { user: user.id },
        body: { old_password: "", password: "entirely-Different-7" },
      }),
  };

  /** Opens a socket and waits until it stands; `ended` tells with which words it is closed. */
  async function follow(person: TestUser, path: string) {
    const socket = new WebSocket(`${server.url.replace(/^http/, "ws")}/api/v2${path}`, {
      headers: { "Coder-Session-Token": person.token },
    } as never);
    const ended = new Promise<{ code: number; reason: string }>((resolve) =>
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
    );
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return { ended };
  }

  test.each([
    ["a role", "Your access to this template was withdrawn."],
    ["the membership", "Your access to this template was withdrawn."],
    ["the key", "Your session was ended."],
    ["the account", "Your account was suspended."],
    ["the password", "Your session was ended."],
  ])("is cut, with the reason, for whom %s is taken from", async (what, reason) => {
    const waiting = await make.pushVersion();
    const imported = await make.importVersion();
    // Without a template, the first two are seen by who manages templates only.
    const roles =
      what === "the membership"
        ? { organizationRoles: ["organization-template-admin"] }
        : { roles: ["template-admin"] };
    const person = await server.createUser(roles);
    const run = await person.client.call(versions.createDryRun, {
      params: { templateversion: imported.id },
      body: { workspace_name: "dry" },
    });
    const streams = await Promise.all([
      follow(person, `/templateversions/${waiting.id}/logs?follow=true`),
      follow(person, `/templateversions/${imported.id}/dry-run/${run.id}/logs?follow=true`),
      follow(person, `/templateversions/${imported.id}/dynamic-parameters`),
    ]);
    const events = await fetch(`${server.url}/api/v2/templateversions/${waiting.id}/logs?follow=true`, {
      headers: { "Coder-Session-Token": person.token, Accept: "text/event-stream" },
    });
    await withdrawals[what]?.(person);
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(
      streams.map(() => ({ code: 1008, reason })),
    );
    expect(await events.text()).toContain(reason);
  });
});
