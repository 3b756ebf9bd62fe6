import { users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";

let server: CoderServer;
beforeAll(async () => {
  server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
});
afterAll(() => server.close());

const coder = (...args: string[]) => server.coder(args);

describe("service accounts (S1, S2)", () => {
  test("are made without a question, and get tokens from others", async () => {
    const created = await coder("users", "create", "--username", "oncall-sre", "--service-account");
    expect(created).toMatchObject({ code: 0, stdout: "" });
    expect(created.stderr).toContain("oncall-sre has been created");

    const token = await coder(
      ...["tokens", "create", "--user", "oncall-sre", "--name", "oncall-automation", "--lifetime", "8760h"],
    );
    expect(token).toMatchObject({ code: 0, stderr: "" });
    const me = await server.client(token.stdout.trim()).call(users.getUser, { params: { user: "me" } });
    expect(me).toMatchObject({ username: "oncall-sre", is_service_account: true });
  });

  test("can't be given what they can't use", async () => {
    const refused = await coder("users", "create", "-u", "robot", "--service-account", "--password", "x");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe("error: A service account can't log in: leave out --password.\n");
  });
});

describe("users", () => {
  test("are told how to log in with the password that was made up for them", async () => {
    const { code, stdout } = await coder(
      "users",
      "create",
      "-u",
      "bob",
      "-e",
      "bob@example.com",
      "-n",
      "Bob B.",
    );
    expect(code).toBe(0);
    const password = /Your password is:\n\t(\S+)/.exec(stdout)?.[1] ?? "";
    const answer = await server.client().call(users.login, { body: { email: "bob@example.com", password } });
    expect(answer.session_token).toMatch(/^\w{10}-\w+$/);
  });

  test("are listed, shown, given roles, suspended and deleted", async () => {
    await coder("users", "create", "-u", "carol", "-e", "carol@example.com", "-p", "correct-horse-battery-7");
    const list = await coder("users", "ls", "-c", "username,email,status");
    expect(list.stdout).toMatch(/^USERNAME\s+EMAIL\s+STATUS\n/);
    expect(list.stdout).toMatch(/^carol\s+carol@example.com\s+\w+$/m);
    const json = JSON.parse((await coder("users", "list", "-o", "json")).stdout);
    expect(json.map((one: { username: string }) => one.username)).toContain("carol");

    expect(
      await coder("users", "edit-roles", "carol", "--roles", "auditor,template-admin", "-y"),
    ).toMatchObject({ code: 0 });
    const shown = await coder("users", "show", "carol", "-o", "json");
    expect(
      JSON.parse(shown.stdout)
        .roles.map((role: { name: string }) => role.name)
        .sort(),
    ).toEqual(["auditor", "template-admin"]);
    const wrong = await coder("users", "edit-roles", "carol", "--roles", "king", "-y");
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.stderr).toContain('The role "king" does not exist.\nRoles: owner,');

    expect(await coder("users", "suspend", "carol", "-y")).toMatchObject({ code: 0 });
    expect((await coder("users", "list", "-c", "username,status")).stdout).toMatch(/carol\s+suspended/);
    expect(await coder("users", "activate", "carol", "-y")).toMatchObject({ code: 0 });
    expect(await coder("users", "delete", "carol", "-y")).toMatchObject({ code: 0 });
    expect((await coder("users", "list")).stdout).not.toContain("carol");
  });

  test("are not changed without a confirmation", async () => {
    const refused = await coder("users", "delete", "alice");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("Give --yes.");
  });
});

test("a token that is piped in logs in, and whoami says so as scripts for Coder expect it", async () => {
  const { CODER_URL: url, CODER_SESSION_TOKEN: token, ...env } = { ...server.clientEnv };
  const logIn = (input: string) => finished(spawnCoder(["login", url ?? ""], env), input);
  const nobody = await logIn("");
  expect(nobody).toMatchObject({ code: 1 });
  expect(nobody.stderr).toContain("Give --token.");
  const { code, stderr } = await logIn(`${token}\n`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Welcome to Coder, alice!") });

  const whoami = async (...args: string[]) => (await finished(spawnCoder(["whoami", ...args], env))).stdout;
  expect(await whoami()).toBe(`Coder is running at ${url}, You're authenticated as alice !\n`);
  expect(await whoami("-o", "table")).toMatch(/^URL\s+USERNAME\s+ID\n/);
  const [me] = JSON.parse(await whoami("-o=json"));
  expect(me).toMatchObject({ url, username: "alice", user_id: me.id });
  expect(me.organization_ids).toHaveLength(1);
  expect(await finished(spawnCoder(["logout", "-y"], env))).toMatchObject({ code: 0 });
});

describe("tokens", () => {
  test("are shown once, listed without their secret, and end when they are removed", async () => {
    expect((await coder("tokens", "list")).stdout).toBe("");
    expect(JSON.parse((await coder("tokens", "list", "-o", "json")).stdout)).toEqual([]);

    const key = (await coder("tokens", "create", "--name", "ci", "--lifetime", "2h")).stdout.trim();
    const list = await coder("tokens", "list");
    expect(list.stdout).toContain("ci");
    expect(list.stdout).not.toContain(key.split("-")[1]);
    expect(JSON.parse((await coder("tokens", "view", "ci", "-o", "json")).stdout)).toMatchObject({
      token_name: "ci",
      username: "alice",
    });

    // The token itself names it too; an expired one stays on record.
    expect(await coder("tokens", "remove", key)).toMatchObject({ code: 0, stdout: "" });
    const client = server.client(key);
    await expect(client.call(users.getUser, { params: { user: "me" } })).rejects.toMatchObject({
      status: 401,
    });
    expect((await coder("tokens", "list")).stdout).toBe("");
    expect((await coder("tokens", "list", "--include-expired")).stdout).toContain("ci");
    expect(await coder("tokens", "rm", "ci", "--delete")).toMatchObject({ code: 0 });
    expect((await coder("tokens", "list", "--include-expired")).stdout).toBe("");
  });

  test("have lifetimes that make sense", async () => {
    const wrong = await coder("tokens", "create", "--lifetime", "soon");
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain('--lifetime: "soon" is not a duration.\nWrite it like 8h');
  });
});

describe("organizations", () => {
  test("have members with roles of their own", async () => {
    expect(await coder("organizations", "create", "security")).toMatchObject({ code: 0 });
    const choice = await coder("org", "members", "list");
    expect(choice.code).toBe(1);
    expect(choice.stderr).toContain("Choose one with --org=<org_name>: ");

    const inOrg = ["-O", "security"];
    expect(await coder("org", "members", "add", "bob", ...inOrg)).toMatchObject({ code: 0 });
    expect(
      await coder("org", "members", "edit-roles", "bob", "organization-auditor", ...inOrg),
    ).toMatchObject({ code: 0 });
    expect((await coder("org", "members", "list", ...inOrg)).stdout).toMatch(/^bob\s+Organization Auditor$/m);
    expect(
      (await coder("org", "roles", "show", "organization-auditor", ...inOrg)).stdout.split("\n"),
    ).toHaveLength(3);
    expect(await coder("org", "members", "remove", "bob", ...inOrg)).toMatchObject({ code: 0 });
    expect((await coder("org", "members", "list", ...inOrg)).stdout).not.toContain("bob");

    expect((await coder("organizations", "show", "--only-id", ...inOrg)).stdout).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(await coder("organizations", "delete", "security", "-y")).toMatchObject({ code: 0 });
    expect((await coder("organizations", "list", "-c", "name,default")).stdout).toMatch(
      /^NAME\s+DEFAULT\n\w+\s+true\n$/,
    );
  });
});

test("netcheck reports how the deployment is reached, and fails when it is not", async () => {
  const { code, stdout } = await coder("netcheck");
  const { relay } = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(relay).toMatchObject({ healthy: true, url: server.url, websocket: true });
  expect(relay.latency_ms).toBeGreaterThan(0);

  const away = await coder("netcheck", "--url", "http://127.0.0.1:1");
  expect(away.code).toBe(1);
  expect(JSON.parse(away.stdout).relay).toMatchObject({ healthy: false, latency_ms: null, websocket: false });
});
