import { users } from "@slipway/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { followLogs } from "../agents/testing/follow-logs.ts";
import { insertAgent } from "../agents/testing/insert-agent.ts";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { createAdminUser, resetPassword } from "./offline-accounts.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const login = (email: string, password: string) =>
  server.client().call(users.login, { body: { email, password } });

const admin = () => ({
  databaseUrl: server.databaseUrl,
  username: "rescue",
  email: "rescue@example.com",
  password: "first-Password-1!",
  sshKeyAlgorithm: "ed25519" as const,
  encryptionKeys: server.deps.config.externalTokenEncryptionKeys,
  keyFile: undefined,
});

test("an owner is made beside the server, and can log in", async () => {
  await createAdminUser(admin());
  const { session_token: token } = await login("rescue@example.com", "first-Password-1!");
  const me = await server.client(token).call(users.getUser, { params: { user: "me" } });
  expect(me.roles.map((role) => role.name)).toContain("owner");
  expect(me.organization_ids).toEqual([server.organizationId]);

  await expect(createAdminUser(admin())).rejects.toThrow("already exists");
  await expect(createAdminUser({ ...admin(), email: "nonsense" })).rejects.toThrow("email: ");
  await expect(createAdminUser({ ...admin(), username: "new1", password: "easy" })).rejects.toThrow(
    "easy to guess",
  );
});

test("another password ends the sessions of before", async () => {
  const { session_token: token } = await login("rescue@example.com", "first-Password-1!");
  const { agentId } = await insertAgent(server, server.owner);
  const { ended } = await followLogs(server, agentId, token);
  const reset = { databaseUrl: server.databaseUrl, username: "Rescue", password: "second-Password-2!" };
  await resetPassword(reset);
  await expect(login("rescue@example.com", "first-Password-1!")).rejects.toMatchObject({ status: 401 });
  await expect(server.client(token).call(users.getUser, { params: { user: "me" } })).rejects.toMatchObject({
    status: 401,
  });
  expect(await ended).toEqual({ code: 1008, reason: "Your session was ended." });
  await login("rescue@example.com", "second-Password-2!");
  await expect(resetPassword({ ...reset, username: "nobody" })).rejects.toThrow('no user "nobody"');
  await expect(resetPassword({ ...reset, password: "easy" })).rejects.toThrow("easy to guess");
});
