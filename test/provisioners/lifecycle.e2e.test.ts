import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type Client, provisionerKeys, templateVersions, workspaces } from "@slipway/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { startCuttableProxy } from "../harness/cuttable-proxy.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { createLedger, type Ledger, ledgerTemplate } from "../harness/ledger.ts";
import { postVersion, pushTemplate, waitForImport } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { build, stateOf, waitForBuild } from "../harness/workspaces.ts";

// It ends while the second step is being provisioned: the state that Terraform writes then holds that one as if it were whole.
const template = {
  ...ledgerTemplate,
  "beside.tf": `
resource "terraform_data" "beside" {
  provisioner "local-exec" {
    command = "until grep -q 'begin two' '${"$"}{data.coder_parameter.dir.value}/ledger'; do sleep 0.05; done"
  }
}
`,
};
const whole = [
  "coder_agent.main",
  "terraform_data.beside",
  "terraform_data.one",
  "terraform_data.three",
  "terraform_data.two",
];

let server: CoderServer;
let owner: Client;
let ledger: Ledger;
let templateId: string;
/** The daemon that is there when a test begins. */
let daemon: ExternalDaemon;
let count = 0;

beforeAll(async () => {
  server = await startCoderServer({
    env: { CODER_PROVISIONER_DAEMONS: "0", CODER_PROVISIONER_JOB_LEASE: "6s" },
  });
  owner = server.owner;
  daemon = await start("first");
  templateId = (await pushTemplate(owner, "ledger", template)).id;
});
afterAll(async () => {
  await server.close();
  await daemon.exit("SIGTERM");
});

beforeEach(async () => {
  ledger = await createLedger();
});
afterEach(async () => {
  // What still waits at it would wait for ever.
  await ledger.openGate();
});

async function start(
  name: string,
  env: Record<string, string> = { CODER_SESSION_TOKEN: server.ownerToken },
  url = server.url,
) {
  const started = await startExternalDaemon({ url, name, env });
  await started.connected();
  return started;
}

async function createKey(name: string) {
  const { key } = await owner.call(provisionerKeys.createProvisionerKey, {
    params: { organization: "default" },
    body: { name },
  });
  return { CODER_PROVISIONER_DAEMON_KEY: key };
}

/** A workspace whose first build is in the middle of its apply: the first step is made, the second is half made. */
async function beginWorkspace() {
  const workspace = await owner.call(workspaces.createWorkspace, {
    params: { user: "me" },
    body: { template_id: templateId, name: `built-${++count}`, rich_parameter_values: ledger.parameters },
  });
  await ledger.reachGate();
  const buildId = workspace.latest_build.id;
  await waitFor("the second step to be in the state, as what has to be made again", async () =>
    (await stateOf(owner, buildId)).includes("terraform_data.two (tainted)"),
  );
  return { workspaceId: workspace.id, buildId };
}

/** The next build makes what is missing, all of what was half made, and nothing twice that was whole. */
async function goOn(workspaceId: string): Promise<void> {
  await ledger.openGate();
  const next = await build(owner, workspaceId, "start");
  expect(await stateOf(owner, next.id)).toEqual(whole);
  const lines = await ledger.lines();
  expect(lines.filter((line) => line.startsWith("create"))).toEqual([
    "create one",
    "create two",
    "create three",
  ]);
}

describe("a daemon that is told to stop (P22)", () => {
  test("by SIGTERM ends its job and takes no other", async () => {
    const { buildId } = await beginWorkspace();
    const waiting = await postVersion(owner, ledgerTemplate);
    daemon.child.kill("SIGTERM");
    await daemon.says("Stop caught, waiting for provisioner jobs to complete");
    await ledger.openGate();
    expect((await waitForBuild(owner, buildId)).job).toMatchObject({
      status: "succeeded",
      worker_name: "first",
    });
    expect(await daemon.exit()).toBe(0);
    const left = await owner.call(templateVersions.getTemplateVersion, {
      params: { templateversion: waiting.id },
    });
    expect(left.job.status).toBe("pending");
    daemon = await start("second");
    expect((await waitForImport(owner, waiting.id)).job).toMatchObject({
      status: "succeeded",
      worker_name: "second",
    });
  });

  test("by SIGINT cancels its job, whose state is kept", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    daemon.child.kill("SIGINT");
    await daemon.says("Interrupt caught, gracefully exiting");
    const { job } = await waitForBuild(owner, buildId);
    expect(job).toMatchObject({ status: "failed", error: expect.stringContaining("shut down gracefully") });
    expect(await daemon.exit()).toBe(0);
    expect(await stateOf(owner, buildId)).toContain("terraform_data.one");
    daemon = await start("third");
    await goOn(workspaceId);
  });
});

test("a daemon whose key is deleted in the middle of a build is cut off; nothing that was reached is lost (P5)", async () => {
  await daemon.exit("SIGTERM");
  const keyed = await start("keyed", await createKey("compromised"));
  const { workspaceId, buildId } = await beginWorkspace();
  await owner.call(provisionerKeys.deleteProvisionerKey, {
    params: { organization: "default", provisionerkey: "compromised" },
  });
  expect(await keyed.exit()).toBe(1);
  expect(keyed.log()).toContain("The provisioner key was deleted.");
  const { job } = await waitForBuild(owner, buildId);
  expect(job).toMatchObject({
    status: "failed",
    error: expect.stringMatching(/was cut off \(The provisioner key was deleted\)/),
  });
  expect(await stateOf(owner, buildId)).toContain("terraform_data.one");
  // What its Terraform reached while it was interrupted comes with the next daemon of this host.
  daemon = await start("keyed", await createKey("fresh"));
  if (keyed.log().includes("kept the state of a job"))
    await daemon.says("handed in the state of an earlier job");
  await goOn(workspaceId);
});

/** The end of a build of whose daemon nothing is heard: what was reached, and what may exist besides. */
async function expectLost(buildId: string): Promise<void> {
  const { job } = await waitForBuild(owner, buildId);
  expect(job).toMatchObject({
    status: "failed",
    error: expect.stringMatching(
      /stopped answering.* may exist without being in the state \(.*terraform_data\.two\)/,
    ),
  });
  expect(await stateOf(owner, buildId)).toContain("terraform_data.one");
}

describe("a daemon of which nothing is heard (P22)", () => {
  test("because it was killed: its build ends with the reason, and the next one goes on", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    await daemon.exit("SIGKILL");
    await expectLost(buildId);
    daemon = await start("fourth");
    await goOn(workspaceId);
  });

  test("because it is frozen: its Terraform ends with the lease, and what it does later changes nothing", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    daemon.child.kill("SIGSTOP");
    await expectLost(buildId);
    daemon.child.kill("SIGCONT");
    await daemon.says("the job ended without its lease");
    await goOn(workspaceId);
    expect(await ledger.lines()).toEqual([
      "create one",
      "begin two",
      "begin two",
      "create two",
      "create three",
    ]);
  });

  test("because the network is gone: it ends its build in time, and hands the state in when it is back", async () => {
    await daemon.exit("SIGTERM");
    const proxy = await startCuttableProxy(server.url);
    try {
      daemon = await start("far", undefined, proxy.url);
      const { workspaceId, buildId } = await beginWorkspace();
      proxy.cut();
      await daemon.says("the lease is about to end; interrupting the job");
      await expectLost(buildId);
      proxy.mend();
      await daemon.says("handed in the state of an earlier job");
      // It came too late for the build's end, and in time for the next one.
      expect(await stateOf(owner, buildId)).toContain("terraform_data.two (tainted)");
      await goOn(workspaceId);
      await daemon.exit("SIGTERM");
      daemon = await start("fifth");
    } finally {
      await proxy.close();
    }
  });
});

test("a daemon that is told to stop while its server is away says nothing against its key", async () => {
  const url = "http://127.0.0.1:1";
  const env = { CODER_PROVISIONER_DAEMON_KEY: "k".repeat(43) };
  const lonely = await startExternalDaemon({ url, name: "lonely", env });
  await lonely.says(`the server does not answer, trying again  reason="Cannot reach ${url}: `);
  expect(await lonely.exit("SIGTERM")).toBe(0);
  expect(lonely.log()).not.toContain("error:");
});

test("a daemon that is told to stop ends at once, although its server takes its question and says nothing", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo; // a TCP server's address has a port
  const env = { CODER_PROVISIONER_DAEMON_KEY: "k".repeat(43) };
  const asking = await startExternalDaemon({ url: `http://127.0.0.1:${port}`, name: "asking", env });
  const [socket] = await once(silent, "connection");
  await once(socket, "data");
  asking.child.kill("SIGTERM");
  // The question itself may take longer.
  await waitFor("the daemon to end", () => asking.child.exitCode !== null, { timeoutMs: 20_000 });
  expect(asking.child.exitCode, asking.log()).toBe(0);
  socket.destroy();
  silent.close();
});

test("a daemon waits for its server, and comes back when the network does", async () => {
  const proxy = await startCuttableProxy(server.url);
  try {
    proxy.cut();
    const env = { CODER_SESSION_TOKEN: server.ownerToken };
    const far = await startExternalDaemon({ url: proxy.url, name: "far", env, args: ["--tag", "far=away"] });
    await far.says(`the server does not answer, trying again  reason="Cannot reach ${proxy.url}: `);
    proxy.mend();
    await far.connected();
    proxy.cut();
    await far.says("connection lost");
    proxy.mend();
    await far.says(/successfully connected.*successfully connected/s);
    expect(await far.exit("SIGTERM")).toBe(0);
  } finally {
    await proxy.close();
  }
});
