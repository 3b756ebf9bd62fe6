import { readdir, readFile, readlink } from "node:fs/promises";
import { type Client, workspaces } from "@slipway/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { createLedger, type Ledger, ledgerTemplate } from "../harness/ledger.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { build, buildLog, stateOf, waitForBuild } from "../harness/workspaces.ts";

const whole = ["coder_agent.main", "terraform_data.one", "terraform_data.three", "terraform_data.two"];

let server: CoderServer;
let owner: Client;
let ledger: Ledger;
let templateId: string;
let count = 0;

beforeAll(async () => {
  server = await startCoderServer({
    postgres: "embedded",
    env: { CODER_PROVISIONER_JOB_LEASE: "5s" },
  });
  owner = server.owner;
  templateId = (await pushTemplate(owner, "ledger", ledgerTemplate)).id;
});

afterAll(() => server.close());

beforeEach(async () => {
  ledger = await createLedger();
});

afterEach(async ({ task }) => {
  // Why something was not handed in, only the server's log tells.
  if (task.result?.state === "fail") console.error(server.log().slice(-20_000));
  // What still waits at it would wait for ever.
  await ledger.openGate();
  await waitFor("no Terraform to be left at the gate", async () => (await atGate()).length === 0);
  await ledger.remove();
});

/** A workspace whose first build is in the middle of its apply. */
async function beginWorkspace() {
  const workspace = await owner.call(workspaces.createWorkspace, {
    params: { user: "me" },
    body: {
      template_id: templateId,
      name: `interrupted-${++count}`,
      rich_parameter_values: ledger.parameters,
    },
  });
  await ledger.reachGate();
  return { workspaceId: workspace.id, buildId: workspace.latest_build.id };
}

/** Processes that wait at the gate: shells in the ledger's directory. */
async function atGate(): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      return cwd === ledger.dir ? [Number(pid)] : [];
    }),
  );
  return found.flat().sort((a, b) => a - b);
}

/** The Terraform that started the shell. */
async function terraformOf(gatePid: number): Promise<number> {
  const status = await readFile(`/proc/${gatePid}/status`, "utf8");
  const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
  expect(await readlink(`/proc/${parent}/exe`)).toContain("terraform");
  return parent;
}

/** The workspace starts, and then goes without leaving anything: no step was lost, none was made twice. */
async function useAndDelete(workspaceId: string): Promise<void> {
  await ledger.openGate();
  const started = await build(owner, workspaceId, "start");
  expect(await stateOf(owner, started.id)).toEqual(whole);
  await build(owner, workspaceId, "delete");
  const lines = await ledger.lines();
  for (const step of ["one", "two", "three"]) {
    const begun = lines.filter((line) => line === `${step === "two" ? "begin" : "create"} ${step}`).length;
    const destroyed = lines.filter((line) => line === `destroy ${step}`).length;
    // Terraform runs no destroy provisioner of what is tainted.
    expect(destroyed, `${lines}`).toBeGreaterThanOrEqual(step === "two" ? 1 : begun);
  }
  expect(lines.filter((line) => line === "create one")).toHaveLength(1);
  expect(lines.at(-1)).toBe("destroy one");
}

describe("a server that is told to stop in the middle of a build", () => {
  test("lets the build end first, and has its result when it is back", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    const stopped = server.stop("SIGTERM");
    await waitFor("the server to say that it stops", () => server.log().includes("Stopping."));
    await ledger.openGate();
    await stopped;
    await server.start();
    expect(await waitForBuild(owner, buildId)).toMatchObject({ job: { status: "succeeded" } });
    expect(await stateOf(owner, buildId)).toEqual(whole);
    expect(await ledger.lines()).toEqual(["create one", "begin two", "create two", "create three"]);
    await useAndDelete(workspaceId);
  });

  test("ends it with its reason and its state when told twice", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    const stopped = server.stop("SIGTERM");
    await waitFor("the server to say that it stops", () => server.log().split("Stopping.").length > 2);
    process.kill(server.pid, "SIGTERM");
    await stopped;
    await server.start();
    const ended = await waitForBuild(owner, buildId);
    expect(ended.job).toMatchObject({ status: "failed", error: expect.stringContaining("kept") });
    expect(await stateOf(owner, buildId)).toContain("terraform_data.one");
    await useAndDelete(workspaceId);
  });
});

describe("a server that is killed in the middle of a build", () => {
  test("ends the build with its reason; the state is what Terraform reached", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    await server.stop("SIGKILL");
    // Nobody may go on with a workspace whose next build may begin elsewhere.
    await waitFor("Terraform to end with its daemon", async () => (await atGate()).length === 0);
    await server.start();

    const ended = await waitForBuild(owner, buildId);
    expect(ended.job).toMatchObject({
      status: "failed",
      error: expect.stringMatching(
        /^The provisioner daemon stopped answering, so the job was ended\. What Terraform had reached is kept/,
      ),
    });
    expect(await buildLog(owner, buildId)).toContain("The provisioner daemon stopped answering");
    await waitFor("the state to be handed in", async () => {
      const state = await stateOf(owner, buildId);
      return state.includes("terraform_data.one") && !state.includes("terraform_data.three");
    });
    await useAndDelete(workspaceId);
  });

  test("is back before the killed build's Terraform is gone, and still gets its state", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    await server.stop("SIGKILL");
    await server.start();
    expect(await waitForBuild(owner, buildId)).toMatchObject({ job: { status: "failed" } });
    await waitFor("the state to be handed in", async () =>
      (await stateOf(owner, buildId)).includes("terraform_data.one"),
    );
    await useAndDelete(workspaceId);
  });
});

describe("Terraform killed in the middle of an apply", () => {
  test("fails the build, and the state is what it had reached", async () => {
    const { workspaceId, buildId } = await beginWorkspace();
    const [gatePid] = await atGate();
    process.kill(await terraformOf(gatePid!), "SIGKILL");
    const ended = await waitForBuild(owner, buildId);
    expect(ended.job).toMatchObject({ status: "failed", error: expect.stringContaining("SIGKILL") });
    const state = await stateOf(owner, buildId);
    expect(state).toContain("terraform_data.one");
    expect(state).not.toContain("terraform_data.three");
    await useAndDelete(workspaceId);
  });
});
