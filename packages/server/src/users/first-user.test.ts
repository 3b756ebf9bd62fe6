import { ApiResponseError, users } from "@slipway/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer({ withOwner: false });
});
afterAll(() => server.close());

const first = (username: string) =>
  server.client().call(users.createFirstUser, {
    body: { username, email: `${username}@example.com`, password: "correct horse battery" },
  });

test("the first user is made once, however many try at the same moment", async () => {
  const missing = await server
    .client()
    .call(users.getFirstUser)
    .catch((err: unknown) => err);
  expect(missing).toMatchObject({ status: 404 });

  const attempts = await Promise.allSettled(["ada", "bob", "cyd", "dan"].map(first));
  const made = attempts.filter((attempt) => attempt.status === "fulfilled");
  const refused = attempts.filter((attempt) => attempt.status === "rejected");
  expect(made).toHaveLength(1);
  for (const { reason } of refused) {
    expect(reason).toBeInstanceOf(ApiResponseError);
    expect(reason).toMatchObject({ status: 409 });
  }
  expect(made[0]?.value.organization_id).toBe(server.organizationId);
  await server.client().call(users.getFirstUser);

  const rows = await server.db.selectFrom("users").selectAll().execute();
  expect(rows).toMatchObject([{ id: made[0]?.value.user_id, roles: ["owner"], status: "active" }]);
  const { session_token: token } = await server.client().call(users.login, {
    body: { email: rows[0]!.email, password: "correct horse battery" },
  });
  const me = await server.client(token).call(users.getUser, { params: { user: "me" } });
  expect(me).toMatchObject({ roles: [{ name: "owner" }], organization_ids: [server.organizationId] });
});

test("an easy password is refused for the first user too", async () => {
  const { valid, details } = await server
    .client()
    .call(users.validatePassword, { body: { password: "aaaaaaaaaaaaaaaaaaaa" } });
  expect(valid).toBe(false);
  expect(details).toContain("easy to guess");
});
