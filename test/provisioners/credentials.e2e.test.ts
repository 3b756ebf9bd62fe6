import { once } from "node:events";
import { createServer } from "node:http";
import { type Client, daemons, jobs, members, organizations, templates, users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { postVersion, thingTemplate, waitForImport } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { createWorkspace, postBuild, waitForBuild } from "../harness/workspaces.ts";

const psk = "pre-shared-by-all-of-them";

let server: CoderServer;
let owner: Client;
const started: ExternalDaemon[] = [];

beforeAll(async () => {
  server = await startCoderServer({
    env: { CODER_PROVISIONER_DAEMONS: "0", CODER_PROVISIONER_DAEMON_PSK: psk },
  });
  owner = server.owner;
});
afterAll(async () => {
  // The daemons that built workspaces delete them, too.
  await server.close();
  await Promise.all(started.map((daemon) => daemon.exit("SIGTERM")));
});

async function start(name: string, env: Record<string, string>, ...args: string[]) {
  const daemon = await startExternalDaemon({ url: server.url, name, env, args });
  started.push(daemon);
  return daemon;
}

/** Starts one that is refused: its exit code and all that it said. */
async function refused(env: Record<string, string>, ...args: string[]) {
  const daemon = await startExternalDaemon({ url: server.url, name: "refused", env, args });
  return { code: await daemon.exit(), text: daemon.log() };
}

async function listed(name: string) {
  const all = await owner.call(daemons.getDaemons, { params: { organization: "default" } });
  return all.find((daemon) => daemon.name === name);
}

const byToken = (token: string) => ({ CODER_SESSION_TOKEN: token });
const byKey = (key: string) => ({ CODER_PROVISIONER_DAEMON_KEY: key });
const byPsk = (secret: string) => ({ CODER_PROVISIONER_DAEMON_PSK: secret });

async function newUser(username: string) {
  const password = "correct-horse-battery-9";
  const email = `${username}@example.com`;
  const { id } = await owner.call(organizations.getOrganization, { params: { organization: "default" } });
  const user = await owner.call(users.createUser, {
    body: { username, email, password, login_type: "password", organization_ids: [id] },
  });
  const { session_token: token } = await owner.call(users.login, { body: { email, password } });
  return { id: user.id, token, client: server.client(token) };
}

async function createKey(name: string, ...args: string[]) {
  const made = await server.coder(["provisioner", "keys", "create", name, "--org", "default", ...args]);
  expect(made.code, made.stderr).toBe(0);
  return { key: made.stdout.trim(), stderr: made.stderr };
}

/** Imports with these tags as the owner: the version, and the name of the daemon that did it. */
async function importWith(tags: Record<string, string>) {
  const { id } = await postVersion(owner, thingTemplate, { tags });
  const version = await waitForImport(owner, id);
  expect(version.job, version.job.error).toMatchObject({ status: "succeeded" });
  return { id, worker: version.job.worker_name };
}

async function createTemplate(name: string, versionId: string) {
  return owner.call(templates.createTemplate, {
    params: { organization: "default" },
    body: { name, template_version_id: versionId },
  });
}

async function workerOf(buildId: string) {
  const { job } = await waitForBuild(owner, buildId);
  expect(job, job.error).toMatchObject({ status: "succeeded" });
  return job.worker_name;
}

describe("a server without built-in daemons (P2) and one by an administrator's session (P7)", () => {
  test("a job waits and says why, until a daemon is started, which runs it", async () => {
    const version = await postVersion(owner, thingTemplate);
    expect(version.matched_provisioners).toMatchObject({ count: 0, available: 0 });
    const none = await server.coder(["provisioner", "list"]);
    expect(none).toMatchObject({ code: 0, stdout: "" });
    expect(none.stderr).toContain("No provisioner daemons found.");
    const [job] = await owner.call(jobs.getJobs, { params: { organization: "default" } });
    expect(job).toMatchObject({ status: "pending" });
    expect(job?.pending_reason).toMatch(/\S/);

    const daemon = await start("by-session", byToken(server.ownerToken));
    await daemon.connected();
    expect(daemon.log()).toContain("untagged provisioners can only pick up jobs from untagged templates");
    expect((await waitForImport(owner, version.id)).job).toMatchObject({
      status: "succeeded",
      worker_name: "by-session",
    });
    expect(await listed("by-session")).toMatchObject({
      key_name: "user-auth",
      tags: { scope: "organization", owner: "" },
    });
    const { id } = await createTemplate("plain", version.id);
    const workspace = await createWorkspace(owner, id, "plain");
    expect(await workerOf(workspace.latest_build.id)).toBe("by-session");
  });
});

describe("a provisioner key", () => {
  let key: string;

  test("is shown once, with the words that Coder has for it (P3)", async () => {
    const made = await createKey("my-key", "--tag", "environment=kubernetes");
    expect(made.stderr).toContain(
      "Successfully created provisioner key my-key! Save this authentication token, it will not be shown again.",
    );
    expect(made.key).toMatch(/^\S{43}$/);
    key = made.key;
    const list = await server.coder(["provisioner", "keys", "list"]);
    expect(list.stdout).toMatch(/my-key +map\[environment:kubernetes\] +never/);
    expect(list.stdout).not.toContain(key);
  });

  test("lets a daemon in that serves what the key's tags match, and nothing else (P4, P6)", async () => {
    const daemon = await start("by-key", byKey(key));
    await daemon.connected();
    expect(await listed("by-key")).toMatchObject({
      key_name: "my-key",
      tags: { environment: "kubernetes", scope: "organization", owner: "" },
    });
    const version = await importWith({ environment: "kubernetes" });
    expect(version.worker).toBe("by-key");
    const { id } = await createTemplate("kubernetes", version.id);
    const workspace = await createWorkspace(owner, id, "kubernetes");
    expect(await workerOf(workspace.latest_build.id)).toBe("by-key");
    expect((await importWith({})).worker).toBe("by-session");
    const keys = await server.coder(["provisioner", "keys", "list", "-o", "json"]);
    expect(JSON.parse(keys.stdout)).toMatchObject([{ name: "my-key", last_used_at: expect.any(String) }]);
  });

  test("that is rotated has two secrets for a while, and of a deleted one none is left (P5)", async () => {
    const { key: first } = await createKey("fleet", "--lifetime", "90d");
    const rotated = await server.coder(["provisioner", "keys", "rotate", "fleet", "--overlap", "1h"]);
    expect(rotated.stderr).toContain("Successfully rotated provisioner key fleet!");
    const both = await Promise.all([
      start("old-secret", byKey(first)),
      start("new-secret", byKey(rotated.stdout.trim())),
    ]);
    await Promise.all(both.map((daemon) => daemon.connected()));
    // Nobody is asked, for there is no terminal; `--yes` is needed.
    expect((await server.coder(["provisioner", "keys", "delete", "fleet"])).code).toBe(1);
    const deleted = await server.coder(["provisioner", "keys", "delete", "fleet", "--yes"]);
    expect(deleted.stderr).toContain("Successfully deleted provisioner key fleet!");
    // Without another word from anybody.
    for (const daemon of both) {
      expect(await daemon.exit()).toBe(1);
      expect(daemon.log()).toContain("The provisioner key was deleted.");
      expect(daemon.log()).toContain("error: The server refuses this provisioner daemon:");
    }
    const again = await server.coder(["provisioner", "keys", "delete", "fleet", "--yes"]);
    expect(again.stderr).toContain('has no provisioner key "fleet"');
    const late = await refused(byKey(first));
    expect(late.code).toBe(1);
    expect(late.text).toContain("unable to get provisioner key details");
  });
});

describe("a member", () => {
  test("serves the workspaces that are the member's, whoever starts them (P8), and nothing else (P9)", async () => {
    const member = await newUser("bob");
    // As the uploader of the template the owner needs a daemon of that scope, too.
    const [own, theirs, all] = await Promise.all([
      start("of-alice", byToken(server.ownerToken), "--tag", "scope=user"),
      start("of-bob", byToken(member.token), "--tag", "scope=user"),
      refused(byToken(member.token)),
    ]);
    expect(all.code).toBe(1);
    expect(all.text).toContain("provisioner_daemon:create");
    await Promise.all([own.connected(), theirs.connected()]);
    expect(await listed("of-bob")).toMatchObject({ tags: { scope: "user", owner: member.id } });

    const version = await importWith({ scope: "user" });
    expect(version.worker).toBe("of-alice");
    const { id } = await createTemplate("personal", version.id);
    const workspace = await createWorkspace(member.client, id, "personal");
    expect(await workerOf(workspace.latest_build.id)).toBe("of-bob");
    const { id: stopped } = await postBuild(owner, workspace.id, "stop");
    expect(await workerOf(stopped)).toBe("of-bob");
  });

  test("who may start daemons in another organization starts them there (P12)", async () => {
    const carol = await newUser("carol");
    const make = async (name: string) => {
      const { id } = await owner.call(organizations.createOrganization, { body: { name } });
      const params = { organization: id, user: carol.id };
      await owner.call(members.addMember, { params });
      await owner.call(members.updateMemberRoles, {
        params,
        body: { roles: ["organization-template-admin"] },
      });
      return id;
    };
    const north = await make("north");
    const only = await start("carols", byToken(carol.token));
    await only.connected();
    const there = await owner.call(daemons.getDaemons, { params: { organization: north } });
    expect(there.map(({ name }) => name)).toEqual(["carols"]);

    await make("south");
    const [unclear, named, unknown] = await Promise.all([
      refused(byToken(carol.token)),
      start("carols-south", byToken(carol.token), "--org", "south"),
      refused(byToken(carol.token), "--org", "west"),
    ]);
    expect(unclear).toMatchObject({ code: 1, text: expect.stringMatching(/--org=<org_name>: north, south/) });
    expect(unknown).toMatchObject({ code: 1, text: expect.stringMatching(/no organization "west"/) });
    await named.connected();
  });
});

describe("the pre-shared key (P10)", () => {
  test("joins the default organization with any tags, and is discouraged", async () => {
    const [right, wrong] = await Promise.all([
      start("by-psk", byPsk(psk), "-t", "datacenter=chicago", "--concurrency", "2"),
      refused(byPsk("something-else")),
    ]);
    await right.connected();
    expect(right.log()).toContain("Prefer provisioner keys");
    expect(await listed("by-psk")).toMatchObject({
      key_name: "psk",
      tags: { datacenter: "chicago", scope: "organization", owner: "" },
    });
    const both = await Promise.all([1, 2].map(() => importWith({ datacenter: "chicago" })));
    expect(both.map(({ worker }) => worker)).toEqual(["by-psk", "by-psk"]);
    expect(wrong.code).toBe(1);
    expect(wrong.text).toContain("The pre-shared key of provisioner daemons is wrong.");
    // What is secret is in no log.
    expect(server.log() + right.log() + wrong.text).not.toMatch(/pre-shared-by-all-of-them|something-else/);
  });
});

describe.concurrent("options that contradict each other (P11)", () => {
  const cases: [args: string[], message: string][] = [
    [["--key", "k", "--psk", "p"], "cannot provide both provisioner key --key and pre-shared key --psk"],
    [["--key", "k", "--org", "o"], "cannot provide --org value with --psk or --key flags"],
    [["--psk", "p", "--org", "o"], "cannot provide --org value with --psk or --key flags"],
    [["--key", "k", "--tag", "a=b"], "cannot provide tags when using provisioner key"],
    [["--terraform-cache-mib", "0"], "--terraform-cache-mib: 0 is not at least 1"],
    [["--terraform-cache-mib", "-5"], "--terraform-cache-mib: -5 is not at least 1"],
    [["--name", "under_score"], "not a valid hostname"],
    [["--name", "x".repeat(65)], "64"],
    [[], "must provide a pre-shared key or provisioner key when not authenticated as a user"],
  ];
  test.each(cases)("%j end in one clear error", async (args, message) => {
    const { code, text } = await refused({}, ...args);
    expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining(message) });
  });

  test("a session beside a key is no contradiction: it is not sent", async () => {
    const { key } = await createKey("beside");
    const daemon = await start("beside", { ...byKey(key), ...byToken(server.ownerToken) });
    await daemon.connected();
    expect(await listed("beside")).toMatchObject({ key_name: "beside" });
  });
});

test("a server of another version refuses the daemon, which says so and ends (P23)", async () => {
  const message =
    "The provisioner daemon (v1) speaks version 1.18 of the provisioner protocol, this server (v2) speaks 2.0.";
  const asked: string[] = [];
  const other = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.writeHead(400, { "Content-Type": "application/json" }).end(JSON.stringify({ message }));
  });
  other.on("upgrade", (req, socket) => {
    asked.push(req.url ?? "");
    const body = JSON.stringify({ message, detail: "Update the daemon." });
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  if (address === null || typeof address === "string") throw new Error("A TCP listener has a port.");
  const url = `http://127.0.0.1:${address.port}`;
  const daemon = await startExternalDaemon({ url, name: "old", env: byPsk("any") });
  expect(await daemon.exit()).toBe(1);
  expect(daemon.log()).toContain(`error: The server refuses this provisioner daemon: ${message}`);
  expect(daemon.log()).toContain("Update the daemon.");
  expect(asked).toEqual([expect.stringContaining("version=1.18")]);
  other.close();
});

test("a daemon shows its metrics and its health", async () => {
  const status = ["--prometheus-enable", "--prometheus-address", "127.0.0.1:0"];
  const daemon = await start("watched", byPsk(psk), "-t", "a=b", ...status);
  await daemon.says("serving metrics and health checks");
  const [, address] = /address=(\S+)/.exec(daemon.log()) ?? [];
  await waitFor("the daemon to be ready", async () => (await fetch(`http://${address}/readyz`)).ok);
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  const text = await (await fetch(`http://${address}/metrics`)).text();
  for (const name of [
    "num_daemons 1",
    "jobs_current",
    "job_timings_seconds",
    "workspace_build_timings_seconds",
  ]) {
    expect(text).toContain(`coderd_provisionerd_${name}`);
  }
});
