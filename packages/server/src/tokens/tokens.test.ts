import { type ApiResponseError, apiKeys, general, nilUuid, organizations, users } from "@slipway/api";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { purgeExpiredKeys } from "./purge-expired-keys.ts";

const hour = 3_600_000;
const ns = 1_000_000;

let server: TestServer;
let member: TestUser;
let userAdmin: TestUser;
beforeAll(async () => {
  server = await testServer();
  member = await server.createUser({ username: "mel" });
  userAdmin = await server.createUser({ username: "uma", roles: ["user-admin"] });
});
afterAll(() => server.close());

type TokenFields = {
  lifetime?: number;
  token_name?: string;
  scopes?: string[];
  scope?: string;
  allow_list?: string[];
};

async function createToken(by: TestUser, fields: TokenFields = {}, user = "me") {
  const { key } = await by.client.call(apiKeys.createToken, { params: { user }, body: fields });
  return { key, client: server.client(key) };
}

const me = { params: { user: "me" } };

async function lockWaiters(): Promise<number> {
  const { rows } = await sql`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(server.db);
  return rows.length;
}

describe("a token", () => {
  test("works until it expires, and only its hash is stored", async () => {
    const own = await testServer();
    try {
      const { client } = await own.createUser();
      const { key } = await client.call(apiKeys.createToken, { ...me, body: { lifetime: 48 * hour * ns } });
      expect(key).toMatch(/^\w{10}-\w{22}$/);
      const stored = await own.db
        .selectFrom("api_keys")
        .selectAll()
        .where("id", "=", key.slice(0, 10))
        .execute();
      expect(JSON.stringify(stored)).not.toContain(key.slice(11));
      own.clock.advance(47 * hour);
      await own.client(key).call(users.getUser, me);
      own.clock.advance(2 * hour);
      // It was used an hour ago, and expired all the same: tokens do not slide.
      expect(await refusal(own.client(key).call(users.getUser, me))).toMatchObject({
        status: 401,
        detail: expect.stringContaining("expired"),
      });
      const week = 7 * 24 * hour;
      expect(await purgeExpiredKeys(own.deps, own.deps.clock.now())).toBe(0);
      own.clock.advance(week);
      expect(await purgeExpiredKeys(own.deps, own.deps.clock.now())).toBeGreaterThan(0);
      expect((await refusal(own.client(key).call(users.getUser, me))).detail).toContain("not known");
    } finally {
      await own.close();
    }
  });

  test("makes no key that outlives it by being used", async () => {
    const own = await testServer();
    try {
      const person = await own.createUser();
      const week = 7 * 24 * hour;
      const { key } = await person.client.call(apiKeys.createToken, {
        ...me,
        body: { lifetime: 8 * hour * ns },
      });
      const made = await own.client(key).call(apiKeys.createSessionKey, me);
      // A session's is like a login's.
      const session = await person.client.call(apiKeys.createSessionKey, me);
      for (const hours of [2, 5]) {
        own.clock.advance(hours * hour);
        for (const each of [made, session]) await own.client(each.key).call(users.getUser, me);
      }
      own.clock.advance(2 * hour);
      const late = await refusal(own.client(made.key).call(users.getUser, me));
      expect(late).toMatchObject({ status: 401, detail: expect.stringContaining("expired") });
      own.clock.advance(week - 4 * hour);
      await own.client(session.key).call(users.getUser, me);
    } finally {
      await own.close();
    }
  });

  test("is listed, found by name and by id, expired and deleted", async () => {
    const { key, client } = await createToken(member, { token_name: "laptop" });
    const id = key.slice(0, 10);
    const byName = await member.client.call(apiKeys.getTokenByName, {
      params: { user: "me", keyname: "laptop" },
    });
    expect(byName).toMatchObject({
      id,
      scope: "all",
      scopes: ["coder:all"],
      allow_list: ["*:*"],
      login_type: "token",
    });
    const params = { params: { user: "mel", keyid: id } };
    expect(await member.client.call(apiKeys.getKey, params)).toEqual(byName);
    const listed = async (query = {}) =>
      (await member.client.call(apiKeys.getTokens, { ...me, query })).map((token) => token.token_name);
    expect(await listed()).toContain("laptop");

    expect((await refusal(createToken(member, { token_name: "laptop" }))).validations[0]?.field).toBe("name");

    await member.client.call(apiKeys.expireKey, params);
    await member.client.call(apiKeys.expireKey, params);
    expect((await refusal(client.call(users.getUser, me))).status).toBe(401);
    expect(await listed()).not.toContain("laptop");
    expect(await listed({ include_expired: true })).toContain("laptop");

    await member.client.call(apiKeys.deleteKey, params);
    expect((await refusal(member.client.call(apiKeys.getKey, params))).status).toBe(404);
  });

  test("that is expired while a request notes its use stays expired", async () => {
    const { key, client } = await createToken(member, { token_name: "raced" });
    const used = await server.db.transaction().execute(async (tx) => {
      await tx
        .updateTable("api_keys")
        .set({ expires_at: server.deps.clock.now() })
        .where("id", "=", key.split("-")[0]!)
        .execute();
      // It was let in before the end of this transaction, and waits to write that down.
      const answer = client.call(users.getUser, me);
      await expect.poll(lockWaiters, { timeout: 10_000 }).toBe(1);
      return { answer };
    });
    await used.answer;
    expect((await refusal(client.call(users.getUser, me))).status).toBe(401);
  });

  test("is not made by a session that a new password is just ending", async () => {
    const person = await server.createUser();
    const attempts = [
      () => person.client.call(apiKeys.createToken, { ...me, body: {} }),
      () => person.client.call(apiKeys.createSessionKey, me),
    ];
    for (const attempt of attempts) {
      await person.client.call(users.getUser, me);
      const own = server.db.selectFrom("api_keys").selectAll().where("user_id", "=", person.user.id);
      const kept = await own.executeTakeFirstOrThrow();
      let answered = false;
      const sent = await server.db.transaction().execute(async (tx) => {
        // What a change of the password does.
        await tx
          .updateTable("users")
          .set({ updated_at: new Date() })
          .where("id", "=", person.user.id)
          .execute();
        await tx.deleteFrom("api_keys").where("user_id", "=", person.user.id).execute();
        const answer = attempt().then(
          () => 201,
          (error: ApiResponseError) => error.status,
        );
        void answer.then(() => (answered = true));
        await expect
          .poll(async () => answered || (await lockWaiters()) === 1, { timeout: 10_000 })
          .toBe(true);
        return { answer };
      });
      expect(await sent.answer).toBe(401);
      expect(await own.execute()).toEqual([]);
      expect((await refusal(person.client.call(users.getUser, me))).status).toBe(401);
      await server.db.insertInto("api_keys").values(kept).execute();
    }
  });

  test("is deleted with its account's others while a request notes its use", async () => {
    const person = await server.createUser();
    const used = await server.db.transaction().execute(async (tx) => {
      // What a change of the password does.
      await tx
        .updateTable("users")
        .set({ updated_at: new Date() })
        .where("id", "=", person.user.id)
        .execute();
      const answer = person.client.call(users.getUser, me);
      await expect.poll(lockWaiters, { timeout: 10_000 }).toBe(1);
      await tx.deleteFrom("api_keys").where("user_id", "=", person.user.id).execute();
      return { answer };
    });
    expect(await used.answer).toMatchObject({ id: person.user.id });
    expect((await refusal(person.client.call(users.getUser, me))).status).toBe(401);
  });

  test("has a longest lifetime, which is short for owners", async () => {
    const config = async (user: TestUser) =>
      (await user.client.call(apiKeys.getTokenConfig, me)).max_token_lifetime;
    expect(await config(member)).toBe(876_600 * hour * ns);
    expect(await config(server.owner)).toBe(168 * hour * ns);
    const err = await refusal(createToken(server.owner, { lifetime: 169 * hour * ns }));
    expect([err.status, err.validations[0]?.field]).toEqual([400, "lifetime"]);
    expect((await refusal(createToken(member, { lifetime: -1 }))).status).toBe(400);
  });

  test("of another person is out of sight", async () => {
    const { key } = await createToken(server.owner);
    const outsider = await server.createUser({ organizationIds: [] });
    const params = { params: { user: "owner", keyid: key.slice(0, 10) } };
    expect((await refusal(member.client.call(apiKeys.getKey, params))).status).toBe(404);
    expect((await refusal(member.client.call(apiKeys.deleteKey, params))).status).toBe(404);
    expect((await refusal(outsider.client.call(apiKeys.getKey, params))).status).toBe(400);
    const all = await member.client.call(apiKeys.getTokens, { ...me, query: { include_all: true } });
    expect(all.every((token) => token.username === "mel")).toBe(true);
  });
});

describe("scopes", () => {
  test("bound what a token may do", async () => {
    const { client } = await createToken(member, { scopes: ["user:read", "user:read"] });
    await client.call(users.getUser, me);
    expect((await refusal(client.call(users.getGitSSHKey, me))).status).toBe(403);
    expect(
      (await refusal(client.call(organizations.getOrganization, { params: { organization: "default" } })))
        .status,
    ).toBe(404);
  });

  test("go by their old names too", async () => {
    const { key } = await createToken(member, { scope: "application_connect" });
    const row = await member.client.call(apiKeys.getKey, { params: { user: "me", keyid: key.slice(0, 10) } });
    expect(row).toMatchObject({ scope: "application_connect", scopes: ["coder:application_connect"] });
  });

  test.each([
    ["unknown", "nonsense:read", "no scope"],
    ["internal", "debug_info:read", "internal"],
  ])("%s ones are refused as that", async (_, scope, words) => {
    const err = await refusal(createToken(member, { scopes: [scope] }));
    expect(err.validations[0]).toMatchObject({ field: "scopes", detail: expect.stringContaining(words) });
  });

  test("of a token bound those of the tokens that it makes", async () => {
    const { key } = await createToken(member, { scopes: ["coder:apikeys.manage_self"] });
    const weak: TestUser = { user: member.user, token: key, client: server.client(key) };
    const id = member.user.id;
    expect((await refusal(createToken(weak, {}, id))).status).toBe(403);
    expect((await refusal(createToken(weak, { scopes: ["workspace:ssh"] }, id))).status).toBe(403);
    await createToken(weak, { scopes: ["api_key:read"] }, id);
    // A session made by it is no stronger either.
    const session = await weak.client.call(apiKeys.createSessionKey, { params: { user: id } });
    expect((await refusal(server.client(session.key).call(users.getGitSSHKey, me))).status).toBe(404);
  });

  test("an allow-list names the objects", async () => {
    const other = await server.createUser();
    const { key } = await createToken(server.owner, { allow_list: [`user:${other.user.id}`] });
    const client = server.client(key);
    await client.call(users.getUser, { params: { user: other.user.id } });
    expect((await client.call(users.getUsers)).users.map((user) => user.id)).toEqual([other.user.id]);
    const refused: ApiResponseError = await refusal(
      client.call(users.getUser, { params: { user: member.user.id } }),
    );
    expect(refused.status).toBe(400);
  });
});

describe("service accounts", () => {
  const makeBot = (username: string, by = userAdmin) =>
    by.client.call(users.createUser, {
      body: { username, service_account: true, organization_ids: [nilUuid] },
    });

  test("get their tokens from a user admin, and then act", async () => {
    const bot = await makeBot("ci-bot");
    const { client } = await createToken(
      userAdmin,
      { lifetime: 8_760 * hour * ns, token_name: "ci" },
      "ci-bot",
    );
    expect(await client.call(users.getUser, me)).toMatchObject({ id: bot.id, status: "active" });
    const answers = await client.call(general.checkAuthorization, {
      body: {
        checks: {
          workspace: {
            object: { resource_type: "workspace", owner_id: "me", organization_id: server.organizationId },
            action: "create",
          },
        },
      },
    });
    expect(answers.workspace).toBe(true);
    const keys = await userAdmin.client.call(apiKeys.getTokens, { params: { user: "ci-bot" } });
    expect(keys.map((key) => key.token_name)).toEqual(["ci"]);
  });

  test("with roles that a user admin could not give get them from owners only", async () => {
    const bot = await makeBot("admin-bot");
    await server.owner.client.call(users.updateUserRoles, {
      params: { user: bot.id },
      body: { roles: ["template-admin"] },
    });
    expect((await refusal(createToken(userAdmin, {}, "admin-bot"))).status).toBe(403);
    await createToken(server.owner, {}, "admin-bot");
  });

  test("people get no tokens from user admins", async () => {
    expect((await refusal(createToken(userAdmin, {}, "mel"))).status).toBe(403);
  });
});
