import { apiKeys, audit, createClient, general, members, nilUuid, users } from "@slipway/api";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";

let server: TestServer;
let userAdmin: TestUser;
let member: TestUser;
beforeAll(async () => {
  server = await testServer();
  userAdmin = await server.createUser({ username: "uma", roles: ["user-admin"] });
  member = await server.createUser({ username: "mel" });
});
afterAll(() => server.close());

const password = "correct horse battery";
let serial = 0;

async function createPerson(by: TestUser, fields: Partial<Parameters<typeof body>[0]> = {}) {
  return by.client.call(users.createUser, { body: body(fields) });
}

function body(fields: { username?: string; email?: string; password?: string; roles?: string[] }) {
  const username = fields.username ?? `person${++serial}`;
  return {
    username,
    email: fields.email ?? `${username}@example.com`,
    password: fields.password ?? password,
    organization_ids: [nilUuid],
    ...(fields.roles ? { roles: fields.roles } : {}),
  };
}

const login = (email: string, given = password) =>
  server.client().call(users.login, { body: { email, password: given } });

describe("logging in", () => {
  test("a new person logs in with their password and becomes active", async () => {
    const user = await createPerson(userAdmin);
    expect(user).toMatchObject({ status: "dormant", organization_ids: [server.organizationId], roles: [] });
    const { session_token: token } = await login(user.email.toUpperCase());
    const me = await server.client(token).call(users.getUser, { params: { user: "me" } });
    expect(me).toMatchObject({ id: user.id, status: "active" });
    await server.client(token).call(users.logout);
    expect(await refusal(server.client(token).call(users.getUser, { params: { user: "me" } }))).toMatchObject(
      {
        status: 401,
        detail: expect.stringContaining("not known"),
      },
    );
  });

  test("an unknown address and a wrong password are told in the same words", async () => {
    const user = await createPerson(userAdmin);
    const wrong = await refusal(login(user.email, "incorrect horse battery"));
    const unknown = await refusal(login("nobody@example.com"));
    expect([wrong.status, wrong.message, wrong.detail]).toEqual([401, unknown.message, unknown.detail]);
  });

  test("the browser gets a session that scripts cannot read, and a token that they can", async () => {
    const user = await createPerson(userAdmin);
    const res = await fetch(`${server.url}/api/v2/users/login`, {
      method: "POST",
      body: JSON.stringify({ email: user.email, password }),
    });
    const [session, csrf] = res.headers.getSetCookie();
    expect(session).toMatch(/^coder_session_token=\w{10}-\w{22}; Path=\/; SameSite=Lax; HttpOnly$/);
    expect(csrf).toMatch(/^csrf_token=[\w-]+; Path=\/; SameSite=Lax$/);
  });

  test("a suspended person is out at once, and back when activated", async () => {
    const user = await createPerson(userAdmin);
    const { session_token: token } = await login(user.email);
    const suspended = await userAdmin.client.call(users.suspendUser, { params: { user: user.username } });
    expect(suspended.status).toBe("suspended");
    const out = await refusal(server.client(token).call(users.getUser, { params: { user: "me" } }));
    expect(out).toMatchObject({ status: 401, detail: expect.stringContaining("suspended") });
    expect((await refusal(login(user.email))).message).toContain("suspended");
    await userAdmin.client.call(users.activateUser, { params: { user: user.id } });
    await server.client(token).call(users.getUser, { params: { user: "me" } });
  });

  test("a session slides while it is used and ends when it is not", async () => {
    const own = await testServer();
    try {
      const { client } = await own.createUser();
      const hour = 3_600_000;
      const me = () => client.call(users.getUser, { params: { user: "me" } });
      for (let used = 0; used < 4; used++) {
        own.clock.advance(20 * hour);
        await me();
      }
      own.clock.advance(25 * hour);
      expect((await refusal(me())).detail).toContain("expired");
    } finally {
      await own.close();
    }
  });
});

describe("a forgotten password", () => {
  test("is answered alike for every address: no e-mail is sent, and who can help", async () => {
    const user = await createPerson(userAdmin);
    const ask = (email: string) =>
      refusal(server.client().call(users.requestOneTimePasscode, { body: { email } }));
    const [known, unknown] = [await ask(user.email), await ask("nobody@example.com")];
    expect(known.status).toBe(403);
    expect(known.detail).toContain("administrator");
    expect([unknown.status, unknown.message, unknown.detail]).toEqual([403, known.message, known.detail]);
  });

  test("is not changed by guessing passcodes", async () => {
    const user = await createPerson(userAdmin);
    const guess = { email: user.email, password: "another horse battery", one_time_passcode: "123456" };
    const call = server.client().call(users.changePasswordWithOneTimePasscode, { body: guess });
    expect((await refusal(call)).status).toBe(400);
    await login(user.email);
  });
});

describe("preferences", () => {
  test("are kept for each user, and are nobody else's business", async () => {
    const params = { user: member.user.id };
    const get = (by: TestUser) => by.client.call(users.getUserPreferences, { params });
    expect(await get(member)).toEqual({ task_notification_alert_dismissed: false });
    const body = { task_notification_alert_dismissed: true };
    await member.client.call(users.updateUserPreferences, { params, body });
    expect(await get(member)).toEqual(body);
    expect((await refusal(get(await server.createUser()))).status).toBe(404);
  });
});

describe("making users", () => {
  test.each([
    ["without an organization", { ...body({}), organization_ids: [] }, 400, "organization_ids"],
    ["with an easy password", body({ password: "password" }), 400, "password"],
    ["with a name against the rules", { ...body({}), username: "-x-" }, 400, "username"],
    ["without an address", { ...body({}), email: "" }, 400, "email"],
    [
      "with a login type that is not configured",
      { ...body({}), password: "", login_type: "oidc" },
      400,
      "login_type",
    ],
    ["with login type none", { ...body({}), password: "", login_type: "none" }, 400, "login_type"],
    [
      "as a service account with a password",
      { ...body({}), email: "", service_account: true },
      400,
      "password",
    ],
    [
      "as a service account with an address",
      { ...body({}), password: "", service_account: true },
      400,
      "email",
    ],
  ])("%s is refused with the field", async (_, given, status, field) => {
    // Some of these bodies are wrong on purpose, in ways that the client's types know.
    const err = await refusal(userAdmin.client.call(users.createUser, { body: given as never }));
    expect(err.status).toBe(status);
    expect(err.validations.map((each) => each.field)).toEqual([field]);
  });

  test("a name that is taken is a conflict, in whatever letters", async () => {
    await createPerson(userAdmin, { username: "Taken" });
    const err = await refusal(createPerson(userAdmin, { username: "taken", email: "other@example.com" }));
    expect([err.status, err.validations[0]?.field]).toEqual([409, "username"]);
  });

  test("service accounts share having no address", async () => {
    for (const username of ["bot-one", "bot-two"]) {
      const bot = await userAdmin.client.call(users.createUser, {
        body: { username, service_account: true, organization_ids: [nilUuid] },
      });
      expect(bot).toMatchObject({
        login_type: "none",
        email: "",
        is_service_account: true,
        status: "dormant",
      });
    }
  });

  test("members make nobody", async () => {
    expect((await refusal(createPerson(member))).status).toBe(403);
  });
});

describe("roles", () => {
  const setRoles = (by: TestUser, user: string, roles: string[]) =>
    by.client.call(users.updateUserRoles, { params: { user }, body: { roles } });

  test("an owner gives and takes them", async () => {
    const user = await createPerson(server.owner);
    const changed = await setRoles(server.owner, user.id, ["auditor", "member"]);
    expect(changed.roles).toEqual([{ name: "auditor", display_name: "Auditor" }]);
    expect((await setRoles(server.owner, user.id, [])).roles).toEqual([]);
  });

  test("a user admin makes no admins, neither new nor of others", async () => {
    const user = await createPerson(userAdmin);
    expect((await refusal(setRoles(userAdmin, user.id, ["owner"]))).status).toBe(403);
    expect((await refusal(createPerson(userAdmin, { roles: ["template-admin"] }))).status).toBe(403);
    expect((await refusal(setRoles(userAdmin, server.owner.user.id, []))).status).toBe(403);
  });

  test("nobody changes their own, and unknown ones are named", async () => {
    expect((await refusal(setRoles(server.owner, "me", []))).status).toBe(400);
    const err = await refusal(setRoles(server.owner, member.user.id, ["boss"]));
    expect([err.status, err.validations[0]?.detail]).toEqual([400, expect.stringContaining("boss")]);
  });

  test("are not for those to write who may not give any, not even as they are", async () => {
    const auditor = await server.createUser({ roles: ["auditor"] });
    for (const by of [auditor, member]) {
      const params = { organization: "default", user: userAdmin.user.id };
      expect(
        (await refusal(by.client.call(members.updateMemberRoles, { params, body: { roles: [] } }))).status,
      ).toBe(403);
    }
    expect((await refusal(setRoles(auditor, userAdmin.user.id, ["user-admin"]))).status).toBe(403);
    const { audit_logs: entries } = await server.owner.client.call(audit.listAuditLogs, {
      query: { q: `resource_id:${userAdmin.user.id} action:write` },
    });
    expect(entries).toEqual([]);
  });

  test("two owners who remove each other at once leave one", async () => {
    const ownersOf = (ids: string[]) =>
      server.db
        .selectFrom("users")
        .select("id")
        .where("id", "in", ids)
        .where("deleted", "=", false)
        .where((eb) => eb(eb.val("owner"), "=", eb.fn.any("roles")))
        .execute();
    const waiting = async () => {
      const { rows } = await sql`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(server.db);
      return rows.length;
    };
    const take = (by: TestUser, from: TestUser) => setRoles(by, from.user.id, []);
    const remove = (by: TestUser, other: TestUser) =>
      by.client.call(users.deleteUser, { params: { user: other.user.id } });
    for (const [first, second] of [
      [take, take],
      [remove, remove],
      [take, remove],
    ] as const) {
      const a = await server.createUser({ roles: ["owner"] });
      const b = await server.createUser({ roles: ["owner"] });
      // Both are let in before either has done anything.
      const both = await server.db.transaction().execute(async (tx) => {
        await sql`lock table audit_logs in exclusive mode`.execute(tx);
        const answers = Promise.allSettled([first(a, b), second(b, a)]);
        await expect.poll(waiting, { timeout: 10_000 }).toBe(2);
        return { answers };
      });
      expect((await both.answers).map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      expect(await ownersOf([a.user.id, b.user.id])).toHaveLength(1);
    }
  });

  test("a user admin does not take over an owner's account", async () => {
    const owner = server.owner.user.id;
    const attempts = [
      () =>
        userAdmin.client.call(users.updateUserPassword, {
          params: { user: owner },
          body: { password: "another horse battery" },
        }),
      () =>
        userAdmin.client.call(users.updateUserProfile, {
          params: { user: owner },
          body: { username: "nobody" },
        }),
      () => userAdmin.client.call(users.deleteUser, { params: { user: owner } }),
      () => userAdmin.client.call(apiKeys.createToken, { params: { user: owner }, body: {} }),
    ];
    for (const attempt of attempts) expect((await refusal(attempt())).status).toBe(403);
    expect(
      (await refusal(userAdmin.client.call(users.suspendUser, { params: { user: owner } }))).status,
    ).toBe(400);
  });
});

describe("roles in organizations", () => {
  test("keep a user admin, who may not give them, from logging in as who has them", async () => {
    const admin = await createPerson(server.owner);
    const setPassword = (by: TestUser, user: string) =>
      by.client.call(users.updateUserPassword, {
        params: { user },
        body: { password: "another horse battery" },
      });
    await server.owner.client.call(members.updateMemberRoles, {
      params: { organization: "default", user: admin.id },
      body: { roles: ["organization-admin"] },
    });
    const err = await refusal(setPassword(userAdmin, admin.id));
    expect([err.status, err.message]).toEqual([403, expect.stringContaining("organization-admin")]);
    await login(admin.email);
    // What they may give, and leaving people, stay theirs.
    const plain = await createPerson(server.owner);
    await server.owner.client.call(members.updateMemberRoles, {
      params: { organization: "default", user: plain.id },
      body: { roles: ["organization-workspace-access"] },
    });
    await setPassword(userAdmin, plain.id);
    await userAdmin.client.call(users.suspendUser, { params: { user: admin.id } });
    await setPassword(server.owner, admin.id);
  });
});

describe("users whom one may not see", () => {
  test("are told like absent ones", async () => {
    const outsider = await server.createUser({ organizationIds: [] });
    const seen = await refusal(outsider.client.call(users.getUser, { params: { user: "owner" } }));
    const absent = await refusal(outsider.client.call(users.getUser, { params: { user: "nobody-here" } }));
    expect(seen.status).toBe(400);
    expect(seen.message).toContain("must be an existing uuid or username");
    expect(seen.message.replace("owner", "nobody-here")).toBe(absent.message);
    const { users: list } = await outsider.client.call(users.getUsers);
    expect(list.map((user) => user.id)).toEqual([outsider.user.id]);
  });
});

describe("passwords", () => {
  test("a change asks for the old one and ends every session", async () => {
    const user = await createPerson(userAdmin);
    const { session_token: token } = await login(user.email);
    const change = (fields: { old_password?: string; password: string }) =>
      server.client(token).call(users.updateUserPassword, { params: { user: "me" }, body: fields });
    const next = "another horse battery";
    expect((await refusal(change({ password: next }))).validations[0]?.field).toBe("old_password");
    expect((await refusal(change({ old_password: "wrong", password: next }))).message).toBe(
      "Old password is incorrect.",
    );
    expect((await refusal(change({ old_password: password, password }))).status).toBe(400);
    await change({ old_password: password, password: next });
    expect((await refusal(change({ old_password: next, password }))).status).toBe(401);
    await login(user.email, next);
  });
});

describe("deleting", () => {
  test("frees the name and is not for oneself", async () => {
    const user = await createPerson(userAdmin, { username: "leaver" });
    await userAdmin.client.call(users.deleteUser, { params: { user: "leaver" } });
    expect((await refusal(userAdmin.client.call(users.getUser, { params: { user: user.id } }))).status).toBe(
      400,
    );
    await createPerson(userAdmin, { username: "leaver" });
    expect((await refusal(userAdmin.client.call(users.deleteUser, { params: { user: "me" } }))).status).toBe(
      403,
    );
  });
});

describe("listing", () => {
  const names = async (q: string, page: { limit?: number; offset?: number; after_id?: string } = {}) =>
    (await server.owner.client.call(users.getUsers, { query: { q, ...page } })).users.map(
      (user) => user.username,
    );

  test("finds by part of name or address, by role, status and kind", async () => {
    await createPerson(userAdmin, { username: "Zoe-Findme", email: "zoe@find.example.com" });
    expect(await names("findme")).toEqual(["Zoe-Findme"]);
    expect(await names("zoe@find")).toEqual(["Zoe-Findme"]);
    expect(await names("role:user-admin")).toEqual(["uma"]);
    expect(await names("findme status:active")).toEqual([]);
    expect(await names("findme status:active,dormant")).toEqual(["Zoe-Findme"]);
    expect(await names("bot- service_account:true")).toEqual(["bot-one", "bot-two"]);
    expect(await names("%")).toEqual([]);
  });

  test("pages in order", async () => {
    const all = await names("");
    expect(await names("", { limit: 2, offset: 1 })).toEqual(all.slice(1, 3));
    const { users: first, count } = await server.owner.client.call(users.getUsers, { query: { limit: 2 } });
    expect(count).toBe(all.length);
    const rest = await names("", { after_id: first[1]!.id });
    expect(rest).toEqual(all.slice(2));
  });

  test("takes lists as long as an address may be", async () => {
    const answer = await fetch(`${server.url}/api/v2/users?q=role:auditor,${"x,".repeat(7_000)}`, {
      headers: { "Coder-Session-Token": server.owner.token },
    });
    expect(answer.status).toBe(200);
  });

  test("refuses what it does not know", async () => {
    const err = await refusal(
      server.owner.client.call(users.getUsers, { query: { q: "colour:red status:gone" } }),
    );
    expect(err.status).toBe(400);
    expect(err.validations.map((each) => each.field).sort()).toEqual(["colour", "status"]);
  });
});

describe("one's own account", () => {
  test("has a Git key that can be made anew", async () => {
    const { client } = member;
    const key = await client.call(users.getGitSSHKey, { params: { user: "me" } });
    expect(key.public_key).toMatch(/^ssh-ed25519 [\w+/]+=*\n$/);
    const next = await client.call(users.regenerateGitSSHKey, { params: { user: "me" } });
    expect(next.public_key).not.toBe(key.public_key);
    const rows = await server.db
      .selectFrom("git_ssh_keys")
      .selectAll()
      .where("user_id", "=", member.user.id)
      .execute();
    expect(rows[0]?.private_key.includes("PRIVATE KEY")).toBe(false);
  });

  test("can be described, and renamed by those who may rename", async () => {
    const user = await createPerson(userAdmin);
    const { session_token: token } = await login(user.email);
    const own = createClient({ url: server.url, token });
    const profile = (client: typeof own, fields: { username: string; name?: string }) =>
      client.call(users.updateUserProfile, { params: { user: user.id }, body: fields });
    expect((await profile(own, { username: user.username, name: " Ada " })).name).toBe("Ada");
    expect((await refusal(profile(own, { username: "ada-renamed" }))).status).toBe(404);
    expect((await profile(userAdmin.client, { username: "ada-renamed" })).username).toBe("ada-renamed");
  });

  test("answers what it may do", async () => {
    const answers = await member.client.call(general.checkAuthorization, {
      body: {
        checks: {
          own: {
            object: { resource_type: "workspace", owner_id: "me", organization_id: server.organizationId },
            action: "create",
          },
          others: {
            object: { resource_type: "workspace", organization_id: server.organizationId },
            action: "read",
          },
          anywhere: { object: { resource_type: "template", any_org: true }, action: "create" },
        },
      },
    });
    expect(answers).toEqual({ own: true, others: false, anywhere: false });
  });

  test("belongs to organizations whose members see one another", async () => {
    const list = await member.client.call(members.getMembers, { params: { organization: "default" } });
    expect(list.map((each) => each.username)).toContain("owner");
  });
});
