import { audit, organizations, provisionerKeys, users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";

let server: TestServer;
let auditor: TestUser;
let organizationAuditor: TestUser;
beforeAll(async () => {
  server = await testServer();
  auditor = await server.createUser({ username: "ada", roles: ["auditor"] });
  organizationAuditor = await server.createUser({
    username: "olga",
    organizationRoles: ["organization-auditor"],
  });
});
afterAll(() => server.close());

const list = (by: TestUser, q: string, page: { limit?: number; offset?: number } = {}) =>
  by.client.call(audit.listAuditLogs, { query: { q, ...page } });

async function rename(name: string) {
  const user = await server.owner.client.call(users.getUser, { params: { user: "ada" } });
  return server.owner.client.call(users.updateUserProfile, {
    params: { user: user.id },
    body: { username: user.username, name },
  });
}

describe("the audit log", () => {
  test("tells who did what to whom, from where, and what changed", async () => {
    const user = await rename("Ada L.");
    const { audit_logs: entries, count } = await list(auditor, `resource_id:${user.id} action:write`, {
      limit: 1,
    });
    expect(count).toBeGreaterThan(0);
    expect(entries[0]).toMatchObject({
      resource_type: "user",
      resource_target: "ada",
      action: "write",
      status_code: 200,
      description: "{user} updated user {target}",
      resource_link: "/users?filter=ada",
      is_deleted: false,
      ip: "127.0.0.1",
      diff: { name: { new: "Ada L.", secret: false } },
      user: { username: "owner" },
    });
    const { request_id: requestId } = entries[0]!;
    expect((await list(auditor, `request_id:${requestId}`)).audit_logs).toHaveLength(1);
  });

  test("is read newest first, in pages", async () => {
    for (const name of ["one", "two", "three"]) {
      server.clock.advance(1000);
      await rename(name);
    }
    const names = async (page: { limit?: number; offset?: number }) =>
      (await list(auditor, "user resource_target:ada action:write", page)).audit_logs.map(
        (entry) => entry.diff.name?.new,
      );
    expect(await names({ limit: 2 })).toEqual(["three", "two"]);
    expect(await names({ limit: 2, offset: 1 })).toEqual(["two", "one"]);
  });

  test("tells of what was refused, too, and with which status", async () => {
    const mallory = await server.createUser({ username: "mallory" });
    const userAdmin = await server.createUser({ username: "uma", roles: ["user-admin"] });
    const ada = { params: { user: "ada" } };
    const tries = [
      userAdmin.client.call(users.updateUserRoles, { ...ada, body: { roles: ["owner"] } }),
      userAdmin.client.call(users.updateUserProfile, {
        params: { user: server.owner.user.id },
        body: { username: "owner", name: "taken over" },
      }),
      mallory.client.call(users.createUser, {
        body: { username: "accomplice", email: "a@example.com", organization_ids: [server.organizationId] },
      }),
      mallory.client.call(organizations.updateOrganization, {
        params: { organization: server.organizationId },
        body: { display_name: "Mine" },
      }),
      mallory.client.call(provisionerKeys.createProvisionerKey, {
        params: { organization: server.organizationId },
        body: { name: "backdoor", tags: {} },
      }),
    ];
    const answers = await Promise.all(tries.map((attempt) => refusal(attempt)));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    // Looking where one may not look changes nothing, and is told by nothing.
    expect((await refusal(mallory.client.call(audit.listAuditLogs, { query: { q: "" } }))).status).toBe(403);
    const told = async (username: string) =>
      (await list(auditor, `username:${username}`)).audit_logs
        .map((entry) => [entry.resource_type, entry.action, entry.resource_target, entry.status_code])
        .toSorted();
    expect(await told("uma")).toEqual([
      ["user", "write", "ada", 403],
      ["user", "write", "owner", 403],
    ]);
    expect(await told("mallory")).toEqual([
      ["organization", "write", "coder", 403],
      ["provisioner_key", "create", "backdoor", 403],
      ["user", "create", "accomplice", 403],
    ]);
  });

  test("is searched by people and days", async () => {
    await rename("by somebody");
    const day = server.clock.now().toISOString().slice(0, 10);
    const found = async (q: string) => (await list(auditor, q)).count > 0;
    expect(await found(`username:owner date_from:${day} date_to:${day}`)).toBe(true);
    expect(await found("email:OWNER@example.com resource_type:user,template")).toBe(true);
    expect(await found("username:me")).toBe(false);
    expect(await found("date_to:2001-01-01")).toBe(false);
    expect(await found("build_reason:autostart")).toBe(false);
  });

  test("a search that cannot be understood is refused with each field", async () => {
    const err = await refusal(list(auditor, "action:dance date_from:yesterday nonsense color:red"));
    expect(err.status).toBe(400);
    expect(err.validations.map(({ field }) => field).sort()).toEqual(["action", "color", "date_from", "q"]);
    expect((await refusal(list(auditor, "", { limit: 1001 }))).status).toBe(400);
  });

  test("auditors of an organization see what happened there, and members nothing", async () => {
    const other = await server.owner.client.call(organizations.createOrganization, {
      body: { name: "elsewhere" },
    });
    const { owner } = server;
    const edit = (organization: string, description: string) =>
      owner.client.call(organizations.updateOrganization, {
        params: { organization },
        body: { description },
      });
    await Promise.all([edit(other.id, "over there"), edit(server.organizationId, "here")]);
    const seen = await list(organizationAuditor, "organization");
    const of = new Set(seen.audit_logs.map((entry) => entry.organization_id));
    expect([...of]).toEqual([server.organizationId]);
    expect(seen.audit_logs[0]?.organization?.id).toBe(server.organizationId);
    expect((await list(auditor, "organization:elsewhere")).count).toBeGreaterThan(0);
    const member = await server.createUser();
    expect((await refusal(list(member, ""))).status).toBe(403);
  });

  test("entries about what is gone say so and lead nowhere", async () => {
    const { id } = await server.owner.client.call(organizations.createOrganization, {
      body: { name: "short-lived" },
    });
    await server.owner.client.call(organizations.deleteOrganization, { params: { organization: id } });
    const { audit_logs: entries } = await list(auditor, `resource_id:${id}`);
    expect(entries).toHaveLength(2);
    for (const entry of entries) expect(entry).toMatchObject({ is_deleted: true, resource_link: "" });
  });
});
