import { describe, expect, test } from "vitest";
import { createToken } from "./api-keys.ts";
import { nilUuid, type Response } from "./common.ts";
import { parseRequest } from "./parse-request.ts";
import { getDaemons, serveDaemon } from "./provisioner-daemons.ts";
import { createTemplateVersion } from "./template-versions.ts";
import { createTemplate } from "./templates.ts";
import { createUser, getUsers } from "./users.ts";
import { patchAgentLogs } from "./workspace-agents.ts";
import { getBuildLogs } from "./workspace-builds.ts";
import { createWorkspace, createWorkspaceBuild, getWorkspace, postWorkspaceUsage } from "./workspaces.ts";

const id = "6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10";

describe("bodies as Coder's Go client writes them", () => {
  test("a workspace: ids that were not given arrive as the all-zero UUID, lists as null", () => {
    const parsed = parseRequest(createWorkspace, {
      params: { user: "me" },
      body: {
        template_id: id,
        template_version_id: nilUuid,
        template_version_preset_id: nilUuid,
        name: "dev",
        ttl_ms: null,
        rich_parameter_values: null,
      },
    });
    expect(parsed).toMatchObject({
      ok: true,
      body: { template_id: id, name: "dev", rich_parameter_values: [] },
    });
    expect(parsed.ok && parsed.body.template_version_id).toBeUndefined();
    expect(parsed.ok && parsed.body.template_version_preset_id).toBeUndefined();
  });

  test("a user: an empty login type and a null status mean the defaults", () => {
    const parsed = parseRequest(createUser, {
      body: {
        email: "ada@example.com",
        username: "ada",
        name: "  Ada Lovelace ",
        password: "correct horse battery staple",
        login_type: "",
        user_status: null,
        organization_ids: [nilUuid],
      },
    });
    expect(parsed).toMatchObject({
      ok: true,
      body: { name: "Ada Lovelace", login_type: undefined, organization_ids: [nilUuid], roles: [] },
    });
  });

  test("a template version, a template and a build", () => {
    const version = { storage_method: "file", file_id: id, template_id: nilUuid, provisioner: "terraform" };
    expect(
      parseRequest(createTemplateVersion, { params: { organization: "default" }, body: version }),
    ).toMatchObject({
      ok: true,
      body: { file_id: id, message: "", tags: {}, user_variable_values: [] },
    });
    const template = {
      name: "docker",
      template_version_id: id,
      max_port_share_level: null,
      require_active_version: false,
    };
    expect(parseRequest(createTemplate, { params: { organization: "default" }, body: template }).ok).toBe(
      true,
    );
    const build = { transition: "stop", template_version_id: nilUuid, template_version_preset_id: nilUuid };
    expect(parseRequest(createWorkspaceBuild, { params: { workspace: id }, body: build }).ok).toBe(true);
  });

  test("a token's lifetime in nanoseconds may exceed 2^53", () => {
    const lifetime = 876_600 * 3600 * 1e9;
    expect(parseRequest(createToken, { params: { user: "me" }, body: { lifetime } })).toMatchObject({
      ok: true,
      body: { lifetime, scopes: [], allow_list: [] },
    });
  });

  test("a usage report may have no body", () => {
    expect(parseRequest(postWorkspaceUsage, { params: { workspace: id } }).ok).toBe(true);
  });

  test("keys that nobody knows are ignored", () => {
    const body = { email: "a@b.example", username: "ada", password: "x", colour: "blue" };
    const parsed = parseRequest(createUser, { body });
    expect(parsed.ok && parsed.body).not.toHaveProperty("colour");
  });
});

describe("refusals name the field and the remedy", () => {
  function validations(parsed: { ok: true } | { ok: false; refusal: Response }) {
    return parsed.ok ? [] : parsed.refusal.validations;
  }

  test("missing and wrongly typed fields, deep ones too", () => {
    const parsed = parseRequest(createWorkspace, {
      params: { user: "me" },
      body: { template_id: id, rich_parameter_values: [{ name: "cpu", value: 4 }] },
    });
    expect(parsed).toEqual({
      ok: false,
      refusal: {
        message: "Validation failed.",
        validations: [
          { field: "name", detail: "name is required." },
          {
            field: "rich_parameter_values[0].value",
            detail: "rich_parameter_values[0].value must be a string, got 4.",
          },
        ],
      },
    });
  });

  test.each([
    ["", "must not be empty."],
    ["a".repeat(33), "must have at most 32 characters, got 33."],
    ["a--b", 'must consist of letters and digits, with single hyphens between them, got "a--b".'],
    ["-a", 'must consist of letters and digits, with single hyphens between them, got "-a".'],
    ["New", '"New" is reserved. Choose another name.'],
  ])("the workspace name %j", (name, detail) => {
    const parsed = parseRequest(createWorkspace, { params: { user: "me" }, body: { template_id: id, name } });
    expect(validations(parsed)).toEqual([{ field: "name", detail: `name ${detail}` }]);
  });

  test("two fields of which exactly one is needed", () => {
    const none = parseRequest(createWorkspace, { params: { user: "me" }, body: { name: "dev" } });
    expect(validations(none)?.[0]?.detail).toBe(
      "template_id or template_version_id is required: give exactly one.",
    );
    const both = { name: "dev", template_id: id, template_version_id: id };
    expect(
      validations(parseRequest(createWorkspace, { params: { user: "me" }, body: both }))?.[0]?.detail,
    ).toBe("template_id and template_version_id exclude each other: give exactly one.");
  });

  test("a choice", () => {
    const parsed = parseRequest(createWorkspaceBuild, {
      params: { workspace: id },
      body: { transition: "fly" },
    });
    expect(validations(parsed)).toEqual([
      { field: "transition", detail: 'transition must be one of "start", "stop", "delete", got "fly".' },
    ]);
  });

  test("a body that is missing or no object", () => {
    expect(validations(parseRequest(createUser, {}))).toEqual([
      { field: "body", detail: "body is required." },
    ]);
    expect(validations(parseRequest(createUser, { body: [1] }))).toEqual([
      { field: "body", detail: "body must be a JSON object, got [1]." },
    ]);
  });

  test("an id in the path", () => {
    const parsed = parseRequest(getWorkspace, { params: { workspace: "dev" }, query: {} });
    expect(validations(parsed)).toEqual([
      {
        field: "workspace",
        detail: 'workspace must be a UUID such as 6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10, got "dev".',
      },
    ]);
  });

  test("unknown query keys, one entry each", () => {
    expect(parseRequest(getUsers, { query: { q: "x", colour: "blue", size: "1" } })).toEqual({
      ok: false,
      refusal: {
        message: "Query parameters have invalid values.",
        validations: [
          { field: "colour", detail: "colour is not known here. Remove it." },
          { field: "size", detail: "size is not known here. Remove it." },
        ],
      },
    });
  });

  test("a value of any size is shown short", () => {
    const parsed = parseRequest(createUser, { body: { username: { a: "x".repeat(100_000) } } });
    expect(validations(parsed)?.[0]?.detail.length).toBeLessThan(120);
  });
});

describe("queries are text and arrive typed", () => {
  test("numbers, flags and lists", () => {
    expect(parseRequest(getUsers, { query: { limit: "25", offset: "-1" } })).toMatchObject({
      query: { limit: 25, offset: -1 },
    });
    expect(
      parseRequest(getBuildLogs, { params: { workspacebuild: id }, query: { follow: "", after: "7" } }),
    ).toMatchObject({
      query: { follow: true, after: 7 },
    });
    expect(
      parseRequest(getDaemons, {
        params: { organization: "default" },
        query: { status: ["idle,busy", "offline"], tags: '{"zone":"eu"}', offline: "false" },
      }),
    ).toMatchObject({ query: { status: ["idle", "busy", "offline"], tags: { zone: "eu" }, offline: false } });
    expect(
      parseRequest(serveDaemon, {
        params: { organization: "default" },
        query: { provisioner: "terraform", tag: "a=b,c" },
      }),
    ).toMatchObject({ query: { provisioner: ["terraform"], tag: ["a=b,c"] } });
  });

  test.each([
    { limit: "many" },
    { limit: "1.5" },
    { limit: "" },
    { limit: "9".repeat(30) },
    { limit: ["1", "2"] },
  ])("%j is refused", (query) => {
    expect(parseRequest(getUsers, { query }).ok).toBe(false);
  });

  test("broken tags are refused with an example", () => {
    const parsed = parseRequest(getDaemons, {
      params: { organization: "default" },
      query: { tags: "zone=eu" },
    });
    expect(parsed).toMatchObject({
      refusal: { validations: [{ detail: expect.stringContaining('{"zone":"eu"}') }] },
    });
  });

  test("what a program in a workspace printed is made storable instead of refused", () => {
    const logs = [{ created_at: "2026-01-31T09:00:00Z", output: "a\0b \ud800 c" }];
    expect(parseRequest(patchAgentLogs, { body: { logs } })).toMatchObject({
      ok: true,
      body: { logs: [{ output: "ab \ufffd c" }] },
    });
  });

  test("credentials in the query belong to the authentication step", () => {
    expect(parseRequest(getUsers, { query: { coder_session_token: "secret" } }).ok).toBe(true);
  });
});
