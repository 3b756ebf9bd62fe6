import { access, chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { daemons, jobs } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { createLedger, type Ledger, ledgerTemplate } from "../harness/ledger.ts";
import { packTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";

type Job = jobs.ProvisionerJob;
type Daemon = daemons.ProvisionerDaemon;

const chicago = { environment: "on_prem", datacenter: "chicago" };
const chicagoFlags = ["environment=on_prem", "datacenter=chicago"];
const asJobTags = (tags: Record<string, string>) => ({ scope: "organization", owner: "", ...tags });

let server: CoderServer;
let root: string;
let terraform: string;
const started: ExternalDaemon[] = [];
const ledgers: Ledger[] = [];

beforeAll(async () => {
  server = await startCoderServer({
    env: { CODER_PROVISIONER_DAEMONS: "0", CODER_PROVISIONER_FORCE_CANCEL_INTERVAL: "2s" },
  });
  root = await mkdtemp(join(tmpdir(), "slipway-queue-"));
  terraform = join(root, "terraform");
  // The real one, which turns deaf in mid-apply where a file says so.
  await writeFile(
    terraform,
    `#!/bin/sh
for word; do
  if [ "$word" = apply ] && [ -e "${root}/deaf" ]; then
    trap '' INT TERM
    touch "${root}/stuck"
    while :; do sleep 0.1; done
  fi
done
exec terraform "$@"
`,
  );
  await chmod(terraform, 0o755);
});
afterAll(async () => {
  // They delete what the tests have made.
  await server.close();
  await Promise.all(started.map((daemon) => daemon.exit("SIGTERM")));
  await Promise.all(ledgers.map((ledger) => ledger.remove()));
  await rm(root, { recursive: true, force: true });
});

const coder = (...args: string[]) => server.coder(args);

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await coder(...args, "-o", "json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

/** A command that goes on while the test looks at what it has printed so far. */
function begin(args: readonly string[], input?: Uint8Array) {
  const child = spawnCoder(args, server.clientEnv, { stdio: ["pipe", "pipe", "pipe"] });
  const output = keepOutput(child.stderr);
  const end = finished(child, input);
  return {
    end,
    says: (text: string) => waitFor(`coder ${args[0]} to say "${text}"`, () => output.text().includes(text)),
  };
}

async function startDaemon(name: string, tags: readonly string[]): Promise<ExternalDaemon> {
  const daemon = await startExternalDaemon({
    url: server.url,
    name,
    args: ["--terraform-binary", terraform, ...tags.flatMap((tag) => ["--tag", tag])],
    env: { CODER_SESSION_TOKEN: server.ownerToken },
  });
  started.push(daemon);
  await daemon.connected();
  return daemon;
}

async function newLedger(): Promise<Ledger> {
  const ledger = await createLedger();
  ledgers.push(ledger);
  return ledger;
}

const pendingJobs = () => json<Job[]>("provisioner", "jobs", "list", "-s", "pending");
const jobsOfWorkspace = async (name: string) =>
  (await json<Job[]>("provisioner", "jobs", "list")).filter((job) => job.metadata.workspace_name === name);
const create = (name: string, ledger: Ledger) =>
  begin(["create", name, "-t", "gated", "-y", "--parameter", `dir=${ledger.dir}`]);
const tagFlags = (flag: string, tags: readonly string[]) => tags.flatMap((tag) => [flag, tag]);

describe("a job that nobody takes (P2, P13, P15)", () => {
  test("says at once why, tells when that changes, and goes on when a daemon comes that fits", async () => {
    const push = begin(
      ["templates", "push", "gated", "-d", "-", "-y", ...tagFlags("--provisioner-tag", chicagoFlags)],
      await packTemplate(ledgerTemplate),
    );
    await push.says(
      "No provisioner daemon is connected in this organization. " +
        "Start one: coder provisioner start --tag datacenter=chicago --tag environment=on_prem\n",
    );
    const [job] = await pendingJobs();
    expect(job).toMatchObject({
      tags: asJobTags(chicago),
      available_workers: [],
      pending: { code: "no_daemons", position: 0, matching: { count: 0, available: 0 } },
    });

    // Row 12 of the truth table: it lacks one of the tags.
    await startDaemon("new-york", ["environment=on_prem"]);
    await push.says("the nearest, new-york, lacks datacenter=chicago.");
    expect((await pendingJobs())[0]?.pending).toMatchObject({
      code: "no_match",
      nearest: { name: "new-york", missing: { datacenter: "chicago" } },
    });
    const table = await coder("provisioner", "jobs", "list", "-c", "id,pending reason");
    expect(table.stdout).toContain(`${job?.id}  No provisioner daemon with tags`);

    await startDaemon("chicago", chicagoFlags);
    const { code, stderr } = await push.end;
    expect(code, stderr).toBe(0);
    const [imported] = await json<Job[]>("provisioner", "jobs", "list");
    expect(imported).toMatchObject({
      status: "succeeded",
      worker_name: "chicago",
      tags: asJobTags(chicago),
    });
    expect(imported).not.toHaveProperty("pending");
  });

  test("without tags waits for a daemon without tags, though others are idle", async () => {
    const push = begin(
      ["templates", "push", "plain", "-d", "-", "-y"],
      await packTemplate({ "main.tf": 'resource "terraform_data" "thing" {}\n' }),
    );
    await push.says("takes only jobs with tags");
    const [job] = await pendingJobs();
    expect(job).toMatchObject({ tags: asJobTags({}), pending: { code: "no_match" } });
    await startDaemon("anybody", []);
    expect(await push.end).toMatchObject({ code: 0 });
    expect((await json<Job[]>("provisioner", "jobs", "list")).at(-1)).toMatchObject({
      id: job?.id,
      worker_name: "anybody",
    });
  });

  test("can be asked about: which daemons match, and why others don't", async () => {
    type Explained = {
      tags: Record<string, string>;
      daemons: { name: string; matches: boolean; reason: string }[];
    };
    const verdicts = async (...args: string[]) => {
      const { daemons } = await json<Explained>("provisioner", "tags", "explain", ...args);
      return Object.fromEntries(daemons.map(({ name, matches, reason }) => [name, matches || reason]));
    };
    expect(await verdicts("gated")).toEqual({
      chicago: true,
      anybody: "lacks datacenter=chicago, and lacks environment=on_prem",
      "new-york": "lacks datacenter=chicago",
    });
    expect(await verdicts("--tag", "environment=on_prem")).toEqual({
      chicago: true,
      "new-york": true,
      anybody: "lacks environment=on_prem",
    });
    expect(await verdicts("--tag", "scope=user")).toMatchObject({
      anybody: "serves the whole organization, and the job is for a daemon of its owner",
    });
    const { stdout, stderr } = await coder("provisioner", "tags", "explain", "plain");
    expect(stdout).toMatch(/^anybody +idle +yes\b/m);
    expect(stdout).toMatch(
      /^chicago +idle +no +takes only jobs with tags, having datacenter=chicago, environment/m,
    );
    expect(stderr).toContain("1 of 3 provisioner daemons match.");
    const none = await coder("provisioner", "tags", "explain", "--tag", "zone=mars");
    expect(none.stderr).toContain("Start one that does: coder provisioner start --tag zone=mars");
    expect((await coder("provisioner", "tags", "explain")).stderr).toContain("Give one of");
  });
});

describe("jobs and daemons (P13, P17)", () => {
  test("builds carry the tags of the push; lists show who works on what, and who waits where", async () => {
    const ledger = await newLedger();
    const first = create("first", ledger);
    await ledger.reachGate();
    const [running] = await jobsOfWorkspace("first");
    expect(running).toMatchObject({ status: "running", worker_name: "chicago", tags: asJobTags(chicago) });

    const second = create("second", await newLedger());
    await second.says("All matching provisioner daemons are busy; the job is number 1 of 1 in the queue");
    const [waiting] = await jobsOfWorkspace("second");
    expect(waiting).toMatchObject({
      status: "pending",
      queue_position: 1,
      queue_size: 1,
      available_workers: [running?.worker_id],
      pending: { code: "busy", matching: { count: 1, available: 1, busy: 1 } },
    });
    expect((await coder("provisioner", "jobs", "list")).stdout).toMatch(
      new RegExp(`^\\S+ +${waiting?.id} +workspace_build +pending +1/1 +map\\[datacenter:chicago`, "m"),
    );
    expect(await json<Job[]>("provisioner", "jobs", "list", "-l", "1")).toMatchObject([{ id: waiting?.id }]);
    expect(await json<Job[]>("provisioner", "jobs", "list", "-i", "alice", "-s", "running")).toMatchObject([
      { id: running?.id },
    ]);

    const listed = await json<Daemon[]>("provisioner", "list");
    const byName = new Map(listed.map((daemon) => [daemon.name, daemon]));
    expect(byName.get("chicago")).toMatchObject({
      status: "busy",
      key_name: "user-auth",
      tags: asJobTags(chicago),
      current_job: { id: running?.id, status: "running", template_name: "gated" },
      previous_job: { status: "succeeded" },
    });
    expect(byName.get("new-york")).toMatchObject({ status: "idle", current_job: null });
    expect(await json<Daemon[]>("provisioner", "list", "-s", "busy")).toHaveLength(1);

    const canceled = await coder("provisioner", "jobs", "cancel", waiting?.id ?? "");
    expect(canceled).toMatchObject({ code: 0 });
    expect(canceled.stderr).toContain(`Canceling workspace build job (${waiting?.id})\nJob canceled\n`);
    expect((await second.end).stderr).toContain("The start of second was canceled.");
    expect((await coder("provisioner", "jobs", "cancel", waiting?.id ?? "")).stderr).toMatch(
      /was canceled at \S+: there is nothing to cancel/,
    );

    expect((await coder("provisioner", "jobs", "cancel", running?.id ?? "")).stderr).toContain(
      "chicago interrupts Terraform",
    );
    expect((await first.end).stderr).toContain("The start of first was canceled.");
    // Terraform was asked, not killed: it has let go of the second step, and never began the third.
    expect(await ledger.lines()).toEqual(["create one", "begin two"]);
    expect(await jobsOfWorkspace("first")).toMatchObject([{ status: "canceled" }]);
  });

  test("a Terraform that does not listen is ended by force", async () => {
    await writeFile(join(root, "deaf"), "");
    const build = create("deaf", await newLedger());
    await waitFor("Terraform to turn deaf", () => access(join(root, "stuck")).then(() => true));
    const [job] = await jobsOfWorkspace("deaf");
    expect(await coder("provisioner", "jobs", "cancel", job?.id ?? "")).toMatchObject({ code: 0 });
    expect((await build.end).stderr).toContain("Cancel timed out");
    await rm(join(root, "deaf"));
    const [ended] = await jobsOfWorkspace("deaf");
    expect(ended?.completed_at).toBeDefined();
    expect(ended?.canceled_at).toBeDefined();
    // The daemon is free again.
    expect(await json<Daemon[]>("provisioner", "list", "-s", "busy")).toEqual([]);
  });

  test("what can't be canceled says so", async () => {
    const none = "11111111-1111-4111-8111-111111111111";
    expect(await coder("provisioner", "jobs", "cancel", none)).toMatchObject({ code: 1 });
    expect((await coder("provisioner", "jobs", "cancel", none)).stderr).toContain(`has no job ${none}`);
    expect((await coder("provisioner", "jobs", "cancel", "nonsense")).stderr).toContain("invalid job ID");
    const succeeded = (await json<Job[]>("provisioner", "jobs", "list", "-s", "succeeded"))[0];
    expect((await coder("provisioner", "jobs", "cancel", succeeded?.id ?? "")).stderr).toContain(
      "succeeded at",
    );
  });
});
