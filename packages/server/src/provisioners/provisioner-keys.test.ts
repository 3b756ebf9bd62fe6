import { daemons, members, organizations, provisionerKeys } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";

let server: TestServer;
let member: TestUser;
let templateAdmin: TestUser;
let outsider: TestUser;
beforeAll(async () => {
  server = await testServer();
  member = await server.createUser();
  templateAdmin = await server.createUser({ organizationRoles: ["organization-template-admin"] });
  outsider = await server.createUser({ organizationIds: [] });
});
afterAll(() => server.close());

const params = { organization: "default" };
const create = (
  name: string,
  body: Partial<provisionerKeys.CreateProvisionerKeyRequest> = {},
  user: TestUser = templateAdmin,
) => user.client.call(provisionerKeys.createProvisionerKey, { params, body: { name, ...body } });
const list = (user: TestUser = templateAdmin) =>
  user.client.call(provisionerKeys.getProvisionerKeys, { params });
const remove = (name: string, user: TestUser = templateAdmin) =>
  user.client.call(provisionerKeys.deleteProvisionerKey, { params: { ...params, provisionerkey: name } });
const rotate = (name: string, body: Partial<provisionerKeys.RotateProvisionerKeyRequest>) =>
  templateAdmin.client.call(provisionerKeys.rotateProvisionerKey, {
    params: { ...params, provisionerkey: name },
    body,
  });
const own = (secret: string) =>
  fetch(`${server.url}/api/v2/provisionerkeys/me`, { headers: { "Coder-Provisioner-Daemon-Key": secret } });

describe("a provisioner key", () => {
  test("is shown once, listed without its secret, and stored as a hash", async () => {
    const { key } = await create("first", { tags: { zone: "eu" } });
    expect(key).toMatch(/^[A-Za-z0-9]{43}$/);
    const [listed] = await list();
    expect(listed).toMatchObject({
      name: "first",
      organization: server.organizationId,
      tags: { zone: "eu" },
    });
    expect(JSON.stringify(listed)).not.toContain(key);
    const row = await server.db.selectFrom("provisioner_keys").selectAll().executeTakeFirstOrThrow();
    expect(JSON.stringify({ ...row, hashed_secret: row.hashed_secret.toString("latin1") })).not.toContain(
      key,
    );
    expect(await (await own(key)).json()).toMatchObject({ name: "first", tags: { zone: "eu" } });
    expect((await list())[0]?.last_used_at).toBeDefined();
    await remove("FIRST");
    expect((await own(key)).status).toBe(401);
  });

  test("has a name that is free, not reserved, and of letters and digits", async () => {
    await create("taken");
    expect(await refusal(create("Taken"))).toMatchObject({ status: 409 });
    for (const name of ["", "x".repeat(65), "Built-In", "user-auth", "PSK", "a b"]) {
      expect(await refusal(create(name)), name).toMatchObject({ status: 400 });
    }
    for (const name of ["built-in", "USER-AUTH", "psk"]) {
      expect(await refusal(remove(name)), name).toMatchObject({ status: 400 });
      expect(await refusal(rotate(name, {})), name).toMatchObject({ status: 400 });
    }
    expect(await refusal(remove("never-made"))).toMatchObject({ status: 404 });
    await remove("taken");
  });

  test("has tags that the queue can hold", async () => {
    for (const tags of [{ "": "x" }, { a: "b\0c" }]) {
      expect(await refusal(create("odd", { tags }))).toMatchObject({ status: 400 });
    }
  });

  test("is malformed with 400 and unknown with 401, and needed", async () => {
    expect((await own("short")).status).toBe(400);
    expect((await own("x".repeat(43))).status).toBe(401);
    expect((await fetch(`${server.url}/api/v2/provisionerkeys/me`)).status).toBe(401);
  });

  test("expires", async () => {
    const { key } = await create("brief", { lifetime_ms: 60_000 });
    expect((await own(key)).status).toBe(200);
    server.clock.advance(60_001);
    const refused = await own(key);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ message: expect.stringContaining("expired at") });
    // Its name is still taken; a rotation may give it another life.
    expect(await refusal(rotate("brief", {}))).toMatchObject({ status: 400 });
    const again = await rotate("brief", { lifetime_ms: 60_000 });
    expect((await own(again.key)).status).toBe(200);
    expect((await own(key)).status).toBe(401);
    await remove("brief");
  });

  test("may be rotated with an overlap, in which both secrets are good", async () => {
    const first = await create("fleet");
    const second = await rotate("fleet", { overlap_ms: 60_000 });
    expect([(await own(first.key)).status, (await own(second.key)).status]).toEqual([200, 200]);
    server.clock.advance(60_001);
    expect([(await own(first.key)).status, (await own(second.key)).status]).toEqual([401, 200]);
    const third = await rotate("fleet", { overlap_ms: 0 });
    expect([(await own(second.key)).status, (await own(third.key)).status]).toEqual([401, 200]);
    expect((await list())[0]).not.toHaveProperty("previous_secret_expires_at");
    await remove("fleet");
  });

  test("is made and deleted on the record, with nothing of its secret", async () => {
    await create("audited", { tags: { a: "b" } });
    await rotate("audited", {});
    await remove("audited");
    const rows = await server.db
      .selectFrom("audit_logs")
      .selectAll()
      .where("resource_target", "=", "audited")
      .orderBy("time")
      .execute();
    expect(rows.map(({ action }) => action)).toEqual(["create", "write", "delete"]);
    for (const { diff, resource_type, organization_id, user_id } of rows) {
      expect({ resource_type, organization_id, user_id }).toEqual({
        resource_type: "provisioner_key",
        organization_id: server.organizationId,
        user_id: templateAdmin.user.id,
      });
      expect(diff.hashed_secret).toEqual({ secret: true });
    }
  });
});

describe("keys are dealt with", () => {
  test("by those who may create daemons; members see them, and who is outside finds nothing", async () => {
    expect(await refusal(create("mine", {}, member))).toMatchObject({ status: 403 });
    await create("ours");
    expect((await list(member)).map(({ name }) => name)).toEqual(["ours"]);
    expect(await refusal(remove("ours", member))).toMatchObject({ status: 403 });
    const calls = [list(outsider), create("theirs", {}, outsider), remove("ours", outsider)];
    for (const refused of await Promise.all(calls.map((call) => refusal(call)))) {
      expect(refused).toMatchObject({ status: 404 });
    }
    await remove("ours", server.owner);
  });

  test("in their own organization only, where a name may be used again", async () => {
    const other = await server.owner.client.call(organizations.createOrganization, {
      body: { name: "other" },
    });
    await create("same");
    const there = { organization: other.id };
    await server.owner.client.call(provisionerKeys.createProvisionerKey, {
      params: there,
      body: { name: "same" },
    });
    // An administrator of the one is nobody in the other.
    const call = templateAdmin.client.call(provisionerKeys.getProvisionerKeys, { params: there });
    expect(await refusal(call)).toMatchObject({ status: 404 });
    await server.owner.client.call(members.addMember, { params: { ...there, user: templateAdmin.user.id } });
    const found = await templateAdmin.client.call(provisionerKeys.getProvisionerKeys, { params: there });
    expect(found.map(({ organization }) => organization)).toEqual([other.id]);
    await remove("same");
  });
});

test("the list of keys with their daemons names the reserved ones where they count", async () => {
  await create("empty");
  const found = await member.client.call(provisionerKeys.getProvisionerKeyDaemons, { params });
  expect(found.map(({ key }) => key.name)).toEqual(["built-in", "user-auth", "psk", "empty"]);
  expect(found.map(({ key }) => key.id).slice(0, 3)).toEqual([
    daemons.reservedProvisionerKeyIds.builtIn,
    daemons.reservedProvisionerKeyIds.userAuth,
    daemons.reservedProvisionerKeyIds.psk,
  ]);
  expect(found.every((each) => each.daemons.length === 0)).toBe(true);
  const elsewhere = await server.owner.client.call(provisionerKeys.getProvisionerKeyDaemons, {
    params: { organization: "other" },
  });
  expect(elsewhere.map(({ key }) => key.name)).toEqual(["user-auth", "same"]);
  await remove("empty");
});
