import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { accessFilter, type ListedType } from "./access-filter.ts";
import {
  type AccessObject,
  authorize,
  type Subject,
  templateObject,
  userObject,
  workspaceObject,
} from "./authorize.ts";
import { type Action, resourceActions } from "./resources.ts";
import { organizationRoles, siteRoles } from "./roles.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const [here, elsewhere] = [randomUUID(), randomUUID()];
const [self, other] = [randomUUID(), randomUUID()];

/** Every role by itself, and those whose interplay matters. */
function subjects(): [string, Subject][] {
  const base = { userId: self, scopes: ["coder:all"], allowList: ["*:*"] };
  const member = ["organization-member", "organization-workspace-access"];
  const site = Object.keys(siteRoles).map((role): [string, Subject] => [
    role,
    { ...base, siteRoles: [role, "member"], organizations: new Map([[here, member]]) },
  ]);
  const organization = Object.keys(organizationRoles).map((role): [string, Subject] => [
    role,
    { ...base, siteRoles: ["member"], organizations: new Map([[here, ["organization-member", role]]]) },
  ]);
  const everyone = { ...base, siteRoles: ["member"], organizations: new Map([[here, member]]) };
  const owner = { ...base, siteRoles: ["owner", "member"], organizations: new Map([[here, member]]) };
  return [
    ...site,
    ...organization,
    ["nobody's member", { ...everyone, organizations: new Map() }],
    [
      "member of both",
      {
        ...everyone,
        organizations: new Map([
          [here, member],
          [elsewhere, member],
        ]),
      },
    ],
    [
      "banned from making workspaces",
      { ...everyone, organizations: new Map([[here, [...member, "organization-workspace-creation-ban"]]]) },
    ],
    ["owner kept out of workspaces", { ...owner, ownerMayEnterWorkspaces: false }],
    ["token for reading workspaces", { ...owner, scopes: ["workspace:read"] }],
    ["token for running workspaces", { ...everyone, scopes: ["coder:workspaces.operate"] }],
    ["token for all of templates", { ...owner, scopes: ["template:*"] }],
    ["token for no object", { ...owner, allowList: [`workspace:${randomUUID()}`] }],
    ["token for one person", { ...owner, allowList: [`user:${other}`] }],
    ["token for workspaces", { ...owner, allowList: ["workspace:*"] }],
  ];
}

async function insertObjects(): Promise<{ type: ListedType; object: AccessObject }[]> {
  const { db } = server;
  const now = new Date();
  const times = { created_at: now, updated_at: now };
  const objects: { type: ListedType; object: AccessObject }[] = [];
  for (const [id, username] of [
    [self, "self"],
    [other, "other"],
  ] as const) {
    await db
      .insertInto("users")
      .values({ id, username, email: `${username}@example.com`, ...times })
      .execute();
    objects.push({ type: "user", object: userObject({ id }) });
    const key = {
      hashed_secret: Buffer.alloc(32),
      login_type: "token" as const,
      lifetime_seconds: 1,
      expires_at: now,
    };
    const keyId = `key-${username}`.padEnd(10, "x").slice(0, 10);
    await db
      .insertInto("api_keys")
      .values({ id: keyId, user_id: id, ...key, ...times })
      .execute();
    objects.push({ type: "api_key", object: { type: "api_key", id: keyId, ownerId: id } });
    const file = randomUUID();
    await db
      .insertInto("files")
      .values({
        id: file,
        hash: "0".repeat(64),
        created_by: id,
        mimetype: "",
        data: Buffer.of(0),
        created_at: now,
      })
      .execute();
    objects.push({ type: "file", object: { type: "file", id: file, ownerId: id } });
  }
  const [firstFile] = await db.selectFrom("files").select("id").execute();
  for (const organizationId of [here, elsewhere]) {
    await db
      .insertInto("organizations")
      .values({ id: organizationId, name: organizationId, ...times })
      .execute();
    objects.push({
      type: "organization",
      object: { type: "organization", id: organizationId, organizationId },
    });
    for (const userId of [self, other]) {
      await db
        .insertInto("organization_members")
        .values({ organization_id: organizationId, user_id: userId, ...times })
        .execute();
      objects.push({
        type: "organization_member",
        object: { type: "organization_member", id: userId, ownerId: userId, organizationId },
      });
    }
    for (const everyone of [true, false]) {
      const job = {
        id: randomUUID(),
        organization_id: organizationId,
        initiator_id: self,
        type: "template_version_import" as const,
        provisioner: "echo" as const,
        file_id: firstFile!.id,
        input: "{}",
        tags: "{}",
        ...times,
      };
      await db.insertInto("provisioner_jobs").values(job).execute();
      objects.push({
        type: "provisioner_jobs",
        object: { type: "provisioner_jobs", id: job.id, ownerId: self, organizationId },
      });
      const version = {
        id: randomUUID(),
        organization_id: organizationId,
        job_id: job.id,
        name: "v1",
        created_by: self,
        ...times,
      };
      await db.insertInto("template_versions").values(version).execute();
      const template = {
        id: randomUUID(),
        organization_id: organizationId,
        name: `template-${everyone}`,
        active_version_id: version.id,
        created_by: self,
        everyone_may_use: everyone,
        ...times,
      };
      await db.insertInto("templates").values(template).execute();
      objects.push({ type: "template", object: templateObject(template) });
      for (const ownerId of [self, other]) {
        for (const dormantAt of [null, now]) {
          const workspace = {
            id: randomUUID(),
            owner_id: ownerId,
            organization_id: organizationId,
            template_id: template.id,
            name: randomUUID(),
            dormant_at: dormantAt,
            last_used_at: now,
            ...times,
          };
          await db.insertInto("workspaces").values(workspace).execute();
          objects.push({ type: "workspace", object: workspaceObject(workspace) });
        }
      }
    }
    const entry = {
      id: randomUUID(),
      time: now,
      organization_id: organizationId,
      resource_type: "template",
      action: "create",
      status_code: 201,
    };
    await db.insertInto("audit_logs").values(entry).execute();
    objects.push({ type: "audit_log", object: { type: "audit_log", id: entry.id, organizationId } });
    for (const ownerId of [null, self]) {
      const daemon = {
        id: randomUUID(),
        organization_id: organizationId,
        key_id: randomUUID(),
        owner_id: ownerId,
        name: randomUUID(),
        api_version: "1.0",
        provisioners: ["echo"],
        tags: "{}",
        instance_id: "",
        created_at: now,
      };
      await db.insertInto("provisioner_daemons").values(daemon).execute();
      objects.push({
        type: "provisioner_daemon",
        object: { type: "provisioner_daemon", id: daemon.id, ownerId: ownerId ?? undefined, organizationId },
      });
    }
  }
  return objects;
}

const tables = {
  workspace: "workspaces",
  template: "templates",
  user: "users",
  organization: "organizations",
  api_key: "api_keys",
  organization_member: "organization_members",
  provisioner_daemon: "provisioner_daemons",
  provisioner_jobs: "provisioner_jobs",
  file: "files",
  audit_log: "audit_logs",
} as const satisfies Record<ListedType, string>;

/** Names an object within its table. One person is a member of several organizations. */
function keyOf(type: ListedType, id: string | undefined, organizationId: string | undefined): string {
  return type === "organization_member" ? `${type} ${organizationId} ${id}` : `${type} ${id}`;
}

/** The same for a row: each table has its own columns, of which two matter. */
function rowKey(type: ListedType, row: Record<string, unknown>): string {
  const id = type === "organization_member" ? row.user_id : row.id;
  return keyOf(type, String(id), String(row.organization_id));
}

describe("decisions on objects and conditions for lists", () => {
  test("agree for every role, action and object", async () => {
    const objects = await insertObjects();
    const disagreements: string[] = [];
    for (const [name, subject] of subjects()) {
      for (const type of Object.keys(tables) as ListedType[]) {
        for (const action of resourceActions[type] as readonly Action[]) {
          const rows = await server.db
            .selectFrom(tables[type])
            .selectAll()
            .where(accessFilter(subject, action, type))
            .execute();
          const listed = new Set(rows.map((row) => rowKey(type, row)));
          for (const { type: each, object } of objects) {
            if (each !== type) continue;
            const key = keyOf(type, object.id, object.organizationId);
            if (authorize(subject, action, object) !== listed.has(key))
              disagreements.push(`${name}: ${action} ${key}`);
          }
        }
      }
    }
    expect(disagreements).toEqual([]);
  });
});

describe("the matrix", () => {
  const own = { type: "workspace", id: randomUUID(), ownerId: self, organizationId: here } as const;
  const others = { ...own, ownerId: other };
  const as = (role: string) => subjects().find(([name]) => name === role)![1];

  test.each<[string, Action, AccessObject, boolean]>([
    ["owner", "ssh", others, true],
    ["owner kept out of workspaces", "ssh", others, false],
    ["owner kept out of workspaces", "ssh", own, true],
    ["owner kept out of workspaces", "delete", others, true],
    ["organization-admin", "delete", others, true],
    ["organization-admin", "ssh", others, false],
    ["organization-admin", "delete", { ...others, organizationId: elsewhere }, false],
    ["organization-workspace-access", "ssh", own, true],
    ["organization-member", "ssh", own, false],
    ["template-admin", "read", others, true],
    ["template-admin", "start", others, false],
    ["banned from making workspaces", "create", own, false],
    ["banned from making workspaces", "start", own, true],
    ["auditor", "read", { type: "audit_log" }, true],
    ["auditor", "update", { type: "deployment_config" }, false],
    ["user-admin", "create", { type: "user" }, true],
    ["user-admin", "create", { type: "api_key", ownerId: other }, false],
    ["owner", "read", { type: "user_secret", ownerId: other }, false],
    ["member", "read", { type: "user_secret", ownerId: self }, true],
    [
      "member",
      "use",
      { type: "template", id: randomUUID(), organizationId: here, everyoneMayUse: true },
      true,
    ],
    [
      "member",
      "use",
      { type: "template", id: randomUUID(), organizationId: here, everyoneMayUse: false },
      false,
    ],
    [
      "member",
      "use",
      { type: "template", id: randomUUID(), organizationId: elsewhere, everyoneMayUse: true },
      false,
    ],
    ["token for running workspaces", "start", own, true],
    ["token for running workspaces", "ssh", own, false],
    ["token for one person", "create", { type: "user" }, false],
  ])("%s: %s", (role, action, object, allowed) => {
    expect(authorize(as(role), action, object)).toBe(allowed);
  });
});
