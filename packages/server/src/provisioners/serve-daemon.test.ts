import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { apiKeys, daemons, members, organizations, provisionerKeys, users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildVersion } from "../deployment/version.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { daemonApiVersion } from "./daemon-version.ts";
import { createProvisioners } from "./provisioners.ts";
import {
  connectFakeDaemon,
  type FakeDaemon,
  joinAs,
  registerAs,
  type ServeRequest,
  speakOver,
} from "./testing/fake-daemon.ts";

const psk = "a-secret-of-the-whole-deployment";
let server: TestServer;
let member: TestUser;
let templateAdmin: TestUser;
const open: FakeDaemon[] = [];
const logged: string[] = [];

beforeAll(async () => {
  // The real clock: expiry is a timer.
  const clock = { now: () => new Date() };
  const logTo = { write: (line: string) => void logged.push(line) };
  server = await testServer({ config: { provisionerDaemonPsk: psk }, clock, logTo });
  member = await server.createUser();
  templateAdmin = await server.createUser({ roles: ["template-admin"] });
  await server.owner.client.call(organizations.createOrganization, { body: { name: "other" } });
});
afterAll(async () => {
  for (const daemon of open) daemon.close();
  await server.close();
});

async function createKey(body: Partial<provisionerKeys.CreateProvisionerKeyRequest> = {}) {
  const name = `key-${randomUUID()}`;
  const { key } = await templateAdmin.client.call(provisionerKeys.createProvisionerKey, {
    params: { organization: "default" },
    body: { name, ...body },
  });
  return { name, key, headers: { "Coder-Provisioner-Daemon-Key": key } };
}

async function refused(request: ServeRequest) {
  const answer = await connectFakeDaemon(server.url, request);
  if ("status" in answer) return answer;
  answer.close();
  throw new Error("It was let in.");
}

async function join(name: string, request: ServeRequest, instanceId: string = randomUUID()) {
  const daemon = await joinAs(server.url, name, request, instanceId);
  open.push(daemon);
  return daemon;
}

const byUser = (user: TestUser) => ({ "Coder-Session-Token": user.token });
const rowOf = (id: string) =>
  server.db.selectFrom("provisioner_daemons").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

test("what a daemon wants to change of a job that is not its own any more is refused, and logged", async () => {
  const { service } = await join("late", { headers: byUser(templateAdmin) });
  const jobId = randomUUID();
  const late = { jobId, epoch: 1n };
  const calls = {
    PushLogs: service.pushLogs({ ...late, firstSeq: 1n, logs: [] }),
    UploadState: service.uploadState({ ...late, state: Buffer.from("{}"), lineage: "one", serial: 2n }),
    CompleteJob: service.completeJob({ ...late, result: { case: "workspaceBuild", value: {} } }),
    FailJob: service.failJob({ ...late, error: "late" }),
    RenewLease: service.renewLease(late),
  };
  const answers = await Promise.allSettled(Object.values(calls));
  expect(answers.map((answer) => answer.status === "rejected" && answer.reason.code)).toEqual(
    Object.keys(calls).map(() => Code.Aborted),
  );
  const lines = logged.map((line): Record<string, unknown> => JSON.parse(line));
  const refusals = lines.filter((line) => line.jobId === jobId && line.daemon === "late");
  expect(new Set(refusals.map(({ method }) => method))).toEqual(new Set(Object.keys(calls)));
});

describe("a daemon is let in", () => {
  test("by a key, with the tags of the key and no others", async () => {
    const { headers } = await createKey({ tags: { zone: "eu", scope: "user" } });
    const { daemonId } = await join("keyed", { headers });
    expect(await rowOf(daemonId)).toMatchObject({
      organization_id: server.organizationId,
      owner_id: null,
      tags: { zone: "eu", scope: "organization", owner: "" },
    });
    const answer = await refused({ headers, query: [["tag", "zone=us"]] });
    expect(answer).toMatchObject({ status: 403 });
  });

  test("by the pre-shared key, organization-scoped with any tags, in the default organization", async () => {
    const headers = { "Coder-Provisioner-Daemon-PSK": psk };
    const tags = ["scope=user", "a=b=c"].map((tag) => ["tag", tag] as const);
    const { daemonId } = await join("shared", { headers, query: tags });
    expect(await rowOf(daemonId)).toMatchObject({
      key_id: daemons.reservedProvisionerKeyIds.psk,
      tags: { a: "b=c", scope: "organization", owner: "" },
    });
    expect(await refused({ headers, organization: "other" })).toMatchObject({ status: 403 });
  });

  test("by a user's token, for the organization only where that may create daemons", async () => {
    const { daemonId } = await join("admins", { headers: byUser(templateAdmin) });
    expect(await rowOf(daemonId)).toMatchObject({ tags: { scope: "organization", owner: "" } });
    expect(await refused({ headers: byUser(member) })).toMatchObject({
      status: 403,
      message: expect.stringMatching(/scope=organization .* provisioner_daemon:create/),
    });
  });

  test("by any member's token for the member alone, whatever it says later", async () => {
    const { daemonId, service } = await join("own", {
      headers: byUser(member),
      query: [
        ["tag", "scope=user"],
        ["tag", `owner=${templateAdmin.user.id}`],
      ],
    });
    const tags = { scope: "user", owner: member.user.id };
    expect(await rowOf(daemonId)).toMatchObject({ tags, owner_id: member.user.id });
    const again = await service.register({
      name: "own",
      version: "",
      apiVersion: "1.18",
      provisioners: ["echo"],
      tags: { scope: "organization" },
      instanceId: randomUUID(),
    });
    expect((await rowOf(again.daemonId)).tags).toEqual(tags);
    expect(
      await refused({ headers: byUser(member), organization: "other", query: [["tag", "scope=user"]] }),
    ).toMatchObject({ status: 404 });
  });

  test("not by a token with narrower scopes", async () => {
    const { key } = await member.client.call(apiKeys.createToken, {
      params: { user: "me" },
      body: { scopes: ["workspace:read"] },
    });
    const headers = { "Coder-Session-Token": key };
    expect(await refused({ headers, query: [["tag", "scope=user"]] })).toMatchObject({ status: 404 });
  });
});

test("an older daemon of the same major version is let in", async () => {
  const { headers } = await createKey();
  const daemon = await connectFakeDaemon(server.url, { headers, query: [["version", "1.2"]] });
  if ("status" in daemon) throw new Error(daemon.message);
  open.push(daemon);
  const { daemonId } = await daemon.service.register({
    name: "older",
    version: "v2.1.0",
    apiVersion: "1.2",
    provisioners: ["echo"],
    tags: {},
    instanceId: randomUUID(),
  });
  expect(daemonId).not.toBe("");
});

describe("a daemon is refused", () => {
  const key = "x".repeat(43);
  const cases: [what: string, headers: Record<string, string>, status: number][] = [
    ["without a credential", {}, 401],
    ["with an unknown key", { "Coder-Provisioner-Daemon-Key": key }, 401],
    ["with a key of another length", { "Coder-Provisioner-Daemon-Key": "short" }, 400],
    ["with a wrong pre-shared key", { "Coder-Provisioner-Daemon-PSK": `${psk}!` }, 401],
    ["with an empty pre-shared key", { "Coder-Provisioner-Daemon-PSK": "" }, 401],
    [
      "with a key and a pre-shared key",
      { "Coder-Provisioner-Daemon-Key": key, "Coder-Provisioner-Daemon-PSK": psk },
      400,
    ],
    ["with a malformed token", { "Coder-Session-Token": "nonsense" }, 401],
  ];
  test.each(cases)("%s", async (_, headers, status) => {
    expect(await refused({ headers })).toMatchObject({ status });
  });

  test("with a key and a user's token", async () => {
    const { headers } = await createKey();
    const both = { ...headers, ...byUser(templateAdmin) };
    expect(await refused({ headers: both })).toMatchObject({ status: 403 });
  });

  test("with a key of another organization", async () => {
    const { headers } = await createKey();
    expect(await refused({ headers, organization: "other" })).toMatchObject({ status: 403 });
    expect(await refused({ headers, organization: "never-made" })).toMatchObject({ status: 403 });
  });

  const queries: [what: string, name: string, value: string][] = [
    ["of another major version", "version", "2.0"],
    ["of a newer minor version", "version", "1.999"],
    ["with a version that is none", "version", "new"],
    ["with a name that no host has", "name", "a_b"],
    ["with a name that is too long", "name", "x".repeat(65)],
    ["with an engine that nobody knows", "provisioner", "pulumi"],
    ["with a tag without a value", "tag", "zone"],
    ["with a NUL in a tag", "tag", "zone=\0"],
  ];
  test.each(queries)("%s", async (_, name, value) => {
    const answer = await refused({ headers: byUser(templateAdmin), query: [[name, value]] });
    expect(answer).toMatchObject({ status: 400 });
  });

  test.each([
    ["2.0", "Update the server"],
    ["1.999", "Update the server"],
    ["0.9", "Run the coder program that the server offers for download."],
  ])("naming both versions, and what to do, when it speaks %s", async (version, remedy) => {
    const query: ServeRequest["query"] = [["version", version]];
    const { message } = await refused({ headers: byUser(templateAdmin), query });
    for (const each of ["v9.9.9", version, buildVersion, daemonApiVersion, remedy]) {
      expect(message).toContain(each);
    }
    // Who runs the server is told as well.
    expect(logged.join("")).toContain(`"reason":${JSON.stringify(message)}`);
  });

  test("when it speaks another protocol than ours", async () => {
    const headers = { ...byUser(templateAdmin), "Sec-WebSocket-Protocol": "yamux" };
    const address = `${server.url}/api/v2/organizations/default/provisionerdaemons/serve?version=1.18&provisioner=terraform`;
    const { WebSocket } = await import("ws");
    const socket = new WebSocket(address.replace(/^http/, "ws"), { headers });
    const status = await new Promise((resolve) => {
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode));
    });
    expect(status).toBe(400);
  });
});

describe("the connection is cut", () => {
  const keyParams = (name: string) => ({ organization: "default", provisionerkey: name });

  test("when its key is deleted, and no other", async () => {
    const [gone, kept] = await Promise.all([createKey(), createKey()]);
    const [cut, spared] = await Promise.all([join("cut", gone), join("spared", kept)]);
    await templateAdmin.client.call(provisionerKeys.deleteProvisionerKey, { params: keyParams(gone.name) });
    expect(await cut.sentAway).toBe("The provisioner key was deleted.");
    await cut.session.closed;
    expect(await refused(gone)).toMatchObject({ status: 401 });
    expect(spared.session.isClosed).toBe(false);
    await expect(spared.session.ping()).resolves.toBeGreaterThan(0);
  });

  test("when its key expires", async () => {
    const { headers } = await createKey({ lifetime_ms: 1_000 });
    const daemon = await join("brief", { headers });
    expect(await daemon.sentAway).toMatch(/expired at/);
    await daemon.session.closed;
  });

  test("when its secret was rotated and the overlap is over, and not before", async () => {
    const { name, headers } = await createKey();
    const daemon = await join("old-secret", { headers });
    const rotate = (overlap_ms: number) =>
      templateAdmin.client.call(provisionerKeys.rotateProvisionerKey, {
        params: keyParams(name),
        body: { overlap_ms },
      });
    const { key } = await rotate(600);
    await expect(daemon.session.ping()).resolves.toBeGreaterThan(0);
    const next = await join("new-secret", { headers: { "Coder-Provisioner-Daemon-Key": key } });
    expect(await daemon.sentAway).toMatch(/rotated/);
    await expect(next.session.ping()).resolves.toBeGreaterThan(0);
    await rotate(0);
    expect(await next.sentAway).toMatch(/rotated/);
  });

  test("when its user's token is deleted", async () => {
    const { key } = await templateAdmin.client.call(apiKeys.createToken, {
      params: { user: "me" },
      body: {},
    });
    const daemon = await join("by-token", { headers: { "Coder-Session-Token": key } });
    const [id = ""] = key.split("-");
    await templateAdmin.client.call(apiKeys.deleteKey, { params: { user: "me", keyid: id } });
    expect(await daemon.sentAway).toMatch(/session .* ended/);
  });

  test("when its user loses the role, or the organization, or the account", async () => {
    const admin = await server.createUser({ organizationRoles: ["organization-template-admin"] });
    const owner = server.owner.client;
    const params = { organization: "default", user: admin.user.id };
    const organizationDaemon = await join("for-all", { headers: byUser(admin) });
    const ownDaemon = await join("for-me", { headers: byUser(admin), query: [["tag", "scope=user"]] });
    await owner.call(members.updateMemberRoles, { params, body: { roles: [] } });
    expect(await organizationDaemon.sentAway).toMatch(/may not run provisioner daemons/);
    await expect(ownDaemon.session.ping()).resolves.toBeGreaterThan(0);
    await owner.call(members.removeMember, { params });
    expect(await ownDaemon.sentAway).toMatch(/may not run provisioner daemons/);

    const other = await server.createUser({ roles: ["template-admin"] });
    const suspended = await join("suspended", { headers: byUser(other) });
    await owner.call(users.suspendUser, { params: { user: other.user.id } });
    expect(await suspended.sentAway).toMatch(/suspended/);
  });
});

describe("a daemon's row", () => {
  const list = () =>
    server.owner.client.call(daemons.getDaemons, {
      params: { organization: "default" },
      query: { offline: true },
    });

  test("is its process's again after a reconnect, and its successor's after a restart", async () => {
    const { headers } = await createKey();
    const first = await join("row", { headers }, "process-1");
    first.close();
    const back = await join("row", { headers }, "process-1");
    const restarted = await join("row", { headers }, "process-2");
    expect([back.daemonId, restarted.daemonId]).toEqual([first.daemonId, first.daemonId]);
  });

  test("is not taken over by a daemon of another key", async () => {
    const [one, two] = await Promise.all([createKey(), createKey()]);
    const first = await join("twin", one, "twin-1");
    const second = await join("twin", two, "twin-2");
    expect(second.daemonId).not.toBe(first.daemonId);
    const back = await join("twin", one, "twin-1");
    expect(back.daemonId).toBe(first.daemonId);
    const named = new Map((await list()).map((each) => [each.id, each]));
    expect(named.get(second.daemonId)).toMatchObject({ name: "twin", key_name: two.name });
    expect(named.get(first.daemonId)).toMatchObject({ key_name: one.name });
    expect(named.get(first.daemonId)?.name).toMatch(/^twin-[0-9a-f]{8}$/);
  });

  test("is offline as soon as it has left in order", async () => {
    const key = await createKey();
    const daemon = await join("leaver", key);
    daemon.close();
    await expect
      .poll(async () => (await list()).find(({ id }) => id === daemon.daemonId)?.status)
      .toBe("offline");
    // Nobody reads that it was last seen long before it left.
    const { created_at, last_seen_at } = await rowOf(daemon.daemonId);
    expect(last_seen_at?.getTime()).toBeGreaterThanOrEqual(created_at.getTime());
    const back = await join("leaver", key, "another-process");
    expect((await list()).find(({ id }) => id === back.daemonId)).toMatchObject({ status: "idle" });
  });

  test("is offline when the server that it is built into has stopped", async () => {
    const stopping = new AbortController();
    const provisioners = createProvisioners({ ...server.deps, signal: stopping.signal });
    const daemon = speakOver(await provisioners.connectBuiltinDaemon());
    const { daemonId } = await registerAs(daemon, "built-in-one");
    expect((await list()).find(({ id }) => id === daemonId)).toMatchObject({ status: "idle" });
    stopping.abort();
    await provisioners.close();
    expect((await list()).find(({ id }) => id === daemonId)).toMatchObject({ status: "offline" });
  });
});

test("wrong pre-shared keys are as limited as wrong passwords, and right ones are not counted", async () => {
  const limited = await testServer({
    config: { provisionerDaemonPsk: psk, dangerousDisableRateLimits: false },
  });
  // All is decided before the upgrade: without one, the right key comes further, to a request that makes no sense.
  const statusWith = async (key: string) => {
    const headers = { "Coder-Provisioner-Daemon-PSK": key };
    const response = await fetch(`${limited.url}/api/v2/organizations/default/provisionerdaemons/serve`, {
      headers,
    });
    await response.arrayBuffer();
    return response.status;
  };
  try {
    for (let count = 0; count < 70; count++) expect(await statusWith(psk)).toBe(400);
    for (let count = 0; count < 60; count++) expect(await statusWith(`${psk}${count}`)).toBe(401);
    expect(await statusWith(`${psk}!`)).toBe(429);
    expect(await statusWith(psk)).toBe(429);
    await limited.clock.advance(60_000);
    expect(await statusWith(psk)).toBe(400);
  } finally {
    await limited.close();
  }
});
