import { users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";

let server: CoderServer;
beforeAll(async () => {
  server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
  await created("users", "create", "--username", "oncall-sre", "--service-account");
});
afterAll(() => server.close());

const coder = (...args: string[]) => server.coder(args);
const coderAs = (token: string, ...args: string[]) =>
  finished(spawnCoder(args, { ...server.clientEnv, CODER_SESSION_TOKEN: token }));

async function created(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await coder(...args);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

const documented = "tokens create --user oncall-sre --name oncall-automation --lifetime 8760h".split(" ");

describe("a service account (S1)", () => {
  test("has no password, no e-mail and no way to log in", async () => {
    const account = await server.owner.call(users.getUser, { params: { user: "oncall-sre" } });
    expect(account).toMatchObject({ is_service_account: true, login_type: "none", email: "" });
  });

  test("is refused at the login with whatever is tried", async () => {
    // A password is no way in either, not even one that an owner tries to give it.
    const given = await fetch(`${server.url}/api/v2/users/oncall-sre/password`, {
      method: "PUT",
      headers: { "Coder-Session-Token": server.ownerToken, "Content-Type": "application/json" },
      body: JSON.stringify({ password: "correct-horse-battery-8" }),
    });
    expect(given.status).toBe(400);
    for (const email of ["oncall-sre", "", " "]) {
      for (const password of ["correct-horse-battery-8", "", "none"]) {
        const answer = await fetch(`${server.url}/api/v2/users/login`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ email, password }),
        });
        expect([400, 401], `${email}/${password}`).toContain(answer.status);
        expect(answer.headers.getSetCookie()).toEqual([]);
        expect(await answer.json()).not.toHaveProperty("session_token");
      }
    }
  });
});

describe("tokens of a service account (S2)", () => {
  test("are minted by an owner, whose own would not live that long", async () => {
    const token = await created(...documented);
    expect(token).toMatch(/^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/);
    expect(await coderAs(token, "whoami", "-o", "json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"oncall-sre"'),
    });
    expect((await coder("tokens", "list", "--all")).stdout).not.toContain(token.split("-")[1]);

    const own = await coder("tokens", "create", "--name", "mine", "--lifetime", "8760h");
    expect(own).toMatchObject({ code: 1, stdout: "" });
    expect(own.stderr).toContain("lifetime must be at most 168h for this account.");
    const endless = await coder("tokens", "create", "--user", "oncall-sre", "--lifetime", "876601h");
    expect(endless.stderr).toContain("lifetime must be at most 876600h for this account.");
  });

  test("are minted by a user admin, for accounts whose roles he could give", async () => {
    const password = "correct-horse-battery-7";
    await created("users", "create", "-u", "uma", "-e", "uma@example.com", "-p", password);
    await created("users", "edit-roles", "uma", "--roles", "user-admin", "-y");
    const { session_token: uma } = await server.client().call(users.login, {
      body: { email: "uma@example.com", password },
    });
    const minted = await coderAs(uma, ...documented.with(5, "by-uma"));
    expect(minted.code, minted.stderr).toBe(0);
    expect(await coderAs(minted.stdout.trim(), "whoami", "-o", "json")).toMatchObject({ code: 0 });

    await created("users", "create", "--username", "root-robot", "--service-account");
    await created("users", "edit-roles", "root-robot", "--roles", "owner", "-y");
    const refused = await coderAs(uma, "tokens", "create", "--user", "root-robot");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    // The lifetime is the account's affair: that of an owner's tokens, whoever mints them.
    const long = await coder("tokens", "create", "--user", "root-robot", "--lifetime", "8760h");
    expect(long.stderr).toContain("lifetime must be at most 168h for this account.");
    await created("tokens", "create", "--user", "root-robot", "--lifetime", "168h");
  });
});
