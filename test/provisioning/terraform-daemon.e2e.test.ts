import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, readlink, rm, symlink } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { daemons as apiDaemons } from "@slipway/api";
import { duplexCarrier } from "@slipway/mux";
import {
  createTerraformEngine,
  type Daemon,
  type Engine,
  startDaemon,
  type TerraformEngineOptions,
} from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { cancelJob } from "../../packages/server/src/jobs/cancel-job.ts";
import { readJobLogs } from "../../packages/server/src/jobs/read-job-logs.ts";
import { reapJobs } from "../../packages/server/src/jobs/reaper.ts";
import {
  createQueueFixture,
  type QueueFixture,
} from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import {
  createProvisioners,
  type Provisioners,
} from "../../packages/server/src/provisioners/provisioners.ts";

// Shared by all runs: on an isolated machine the coder provider is built there once, which takes minutes.
const sharedMirror = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "slipway/provisioner/mirror",
);
const log = { debug() {}, info() {}, warn() {} };

let fixture: QueueFixture;
let provisioners: Provisioners;
let scratch: string;
/** Of this run alone, but for the mirror: what stays behind in it is ours. */
let cacheDir: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: 6_000 } });
  provisioners = createProvisioners(fixture.deps);
  scratch = await mkdtemp(join(tmpdir(), "slipway-terraform-"));
  cacheDir = join(scratch, "engine");
  await Promise.all([sharedMirror, cacheDir].map((dir) => mkdir(dir, { recursive: true, mode: 0o700 })));
  await symlink(sharedMirror, join(cacheDir, "mirror"));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

afterAll(async () => {
  await provisioners.close();
  await fixture.close();
  await rm(scratch, { recursive: true, force: true });
});

function start(options: Partial<TerraformEngineOptions> = {}): { daemon: Daemon; engine: Engine } {
  const engine = createTerraformEngine({ cacheDir, log, env: process.env, ...options });
  const daemon = startDaemon({
    connect: () => provisioners.connectBuiltinDaemon(),
    name: "terraform-1",
    version: "test",
    tags: {},
    engines: [engine],
    cacheDir: join(scratch, "daemon"),
    log,
    signal: new AbortController().signal,
  });
  stops.push(() => daemon.stop("force").then(() => engine.close()));
  return { daemon, engine };
}

function archive(files: Record<string, string>): Promise<Buffer> {
  return writeTar(
    Object.entries(files).map(([path, text]) => ({
      path,
      type: "file",
      data: Buffer.from(text),
      mode: 0o644,
    })),
  );
}

const logText = async (jobId: string) =>
  (await readJobLogs(fixture.deps.db, jobId))
    .map(({ log_level, stage, output }) => `${log_level} ${stage}: ${output}`)
    .join("\n");

async function importVersion(
  files: Record<string, string>,
  variables: { name: string; value: string }[] = [],
) {
  const { job, versionId } = await fixture.postImport(await archive(files), {
    provisioner: "terraform",
    variables,
  });
  return { job: await fixture.waitForJob(job.id), versionId };
}

async function workspaceOf(files: Record<string, string>, variables: { name: string; value: string }[] = []) {
  const { job, versionId } = await importVersion(files, variables);
  if (job.status !== "succeeded") throw new Error(`${job.error}\n${await logText(job.id)}`);
  return { versionId, workspaceId: await fixture.addWorkspace(await fixture.addTemplate(versionId)) };
}

const header = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
`;

const template = `${header}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = "2"
  mutable = true
  validation {
    min = 1
    max = 8
  }
}
resource "coder_agent" "dev" {
  os   = "linux"
  arch = "amd64"
  env  = { OWNER = data.coder_workspace_owner.me.name }
}
resource "coder_app" "code" {
  agent_id = coder_agent.dev.id
  slug     = "code"
  url      = "http://localhost:8080"
}
locals { token = coder_agent.dev.token }
resource "terraform_data" "home" {}
resource "terraform_data" "compute" {
  count = data.coder_workspace.me.start_count
  input = { token = local.token, script = coder_agent.dev.init_script, size = data.coder_parameter.size.value }
}
`;

describe("a daemon with the Terraform engine", () => {
  test("imports a template, starts, stops and deletes a workspace", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": template, "README.md": "# Dev" });
    const { db } = fixture.deps;
    const version = await db
      .selectFrom("template_versions")
      .selectAll()
      .where("id", "=", versionId)
      .executeTakeFirstOrThrow();
    expect(version).toMatchObject({
      readme: "# Dev",
      warnings: [],
      lock_file: expect.stringContaining("coder/coder"),
    });
    const parameters = await db
      .selectFrom("template_version_parameters")
      .selectAll()
      .where("template_version_id", "=", versionId)
      .execute();
    expect(parameters).toMatchObject([
      { name: "size", type: "number", default_value: "2", validation_min: 1, validation_max: 8 },
    ]);
    const resources = await db
      .selectFrom("workspace_resources")
      .select(["name", "transition"])
      .where("job_id", "=", version.job_id)
      .orderBy("transition")
      .orderBy("name")
      .execute();
    expect(resources).toEqual([
      { name: "compute", transition: "start" },
      { name: "home", transition: "start" },
      { name: "home", transition: "stop" },
    ]);

    const started = await fixture.postBuild(workspaceId, versionId, {
      parameters: [{ name: "size", value: "4" }],
    });
    expect(await fixture.waitForJob(started.job.id)).toMatchObject({ status: "succeeded" });
    const agent = await db
      .selectFrom("workspace_agents as agent")
      .innerJoin("workspace_resources as resource", "resource.id", "agent.resource_id")
      .select([
        "agent.name",
        "agent.id",
        "resource.name as resource",
        "agent.token_hash",
        "agent.environment_variables",
      ])
      .where("agent.build_id", "=", started.build.id)
      .executeTakeFirstOrThrow();
    expect(agent).toMatchObject({
      name: "dev",
      resource: "compute",
      environment_variables: { OWNER: "alice" },
    });
    const state = JSON.parse((await fixture.state(started.build.id))!.state.toString());
    const compute = state.resources.find(({ name }: { name: string }) => name === "compute").instances[0]
      .attributes.input.value;
    expect(compute.size).toBe("4");
    expect(compute.script).toContain("http://127.0.0.1:3000/");
    expect(await logText(started.job.id)).toContain("Starting workspace: ");
    expect(await logText(started.job.id)).not.toContain(compute.token);

    const stopped = await fixture.postBuild(workspaceId, versionId, { transition: "stop" });
    expect(await fixture.waitForJob(stopped.job.id)).toMatchObject({ status: "succeeded" });
    expect(
      await db
        .selectFrom("workspace_resources")
        .select("name")
        .where("job_id", "=", stopped.job.id)
        .execute(),
    ).toEqual([{ name: "home" }]);

    const deleted = await fixture.postBuild(workspaceId, versionId, { transition: "delete" });
    expect(await fixture.waitForJob(deleted.job.id)).toMatchObject({ status: "succeeded" });
    expect(JSON.parse((await fixture.state(deleted.build.id))!.state.toString()).resources).toEqual([]);
    await vi.waitFor(() => expect(jobDirectories(cacheDir)).toEqual([]), { timeout: 10_000 });
  });

  test("what is sensitive stays out of the log, and of the daemon's environment only what may passes", async () => {
    start({
      env: {
        ...process.env,
        CLOUD_TOKEN: "cloud-credential-1234",
        CODER_SECRET_THING: "of-the-daemon",
        PGPASSWORD: "of-the-database",
        TF_CLI_ARGS_apply: "-destroy",
        CODER_ALLOW_LOCAL_TEMPLATE: "true",
      },
    });
    const files = {
      "main.tf": `${header}
variable "password" { sensitive = true }
variable "plain" {}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
resource "terraform_data" "shout" {
  triggers_replace = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = "env | sort"
    environment = { HIDDEN = nonsensitive(var.password), SHOWN = var.plain, SESSION = nonsensitive(data.coder_workspace_owner.me.session_token) }
  }
}
`,
    };
    const variables = [
      { name: "password", value: "correct horse" },
      { name: "plain", value: "in the open" },
    ];
    const { versionId, workspaceId } = await workspaceOf(files, variables);
    const { job } = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded" });
    const text = await logText(job.id);
    expect(text).toContain("SHOWN=in the open");
    expect(text).toContain("HIDDEN=*redacted*");
    expect(text).toContain("SESSION=*redacted*");
    expect(text).toContain("CLOUD_TOKEN=*redacted*");
    expect(text).toContain("CODER_ALLOW_LOCAL_TEMPLATE=true");
    expect(text).not.toMatch(/correct horse|of-the-daemon|of-the-database|cloud-credential/);
  });

  test("what is sensitive stays out of the reason why a module is not to be had", async () => {
    start({
      env: {
        ...process.env,
        GIT_TOKEN: "git-credential-5678",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "url.file:///nowhere/git-credential-5678/.insteadOf",
        GIT_CONFIG_VALUE_0: "https://modules.invalid/",
      },
    });
    const source = 'module "vm" {\n  source = "git::https://modules.invalid/vm.git"\n}\n';
    const { job } = await importVersion({ "main.tf": source });
    expect(job).toMatchObject({
      status: "failed",
      error: expect.stringContaining("/nowhere/*redacted*/vm.git"),
    });
    expect(`${job.error} ${await logText(job.id)}`).not.toContain("git-credential-5678");
  });

  test("a syntax error is told with file and line", async () => {
    start();
    const { job } = await importVersion({
      "main.tf": 'resource "terraform_data" "x" {}\n\nresource "oops {\n',
    });
    expect(job).toMatchObject({ status: "failed", error: expect.stringMatching(/main\.tf:3/) });
  });

  test("a backend of the author's own is overridden, and one that cannot be is refused by name", async () => {
    start();
    const backend = 'terraform {\n  backend "local" {\n    path = "/tmp/elsewhere.tfstate"\n  }\n}\n';
    expect(
      (await importVersion({ "main.tf": `resource "terraform_data" "x" {}\n${backend}` })).job,
    ).toMatchObject({
      status: "succeeded",
    });
    const { job } = await importVersion({
      "main.tf": 'resource "terraform_data" "x" {}\n',
      "zzz_override.tf": backend,
    });
    expect(job).toMatchObject({ status: "failed", error: expect.stringContaining("zzz_override.tf") });
  });

  test("required variables without a value fail the import with their code", async () => {
    start();
    const { job } = await importVersion({ "main.tf": 'variable "region" {}\n' });
    expect(job).toMatchObject({
      status: "failed",
      error_code: "REQUIRED_TEMPLATE_VARIABLES",
      error: expect.stringContaining("region"),
    });
  });

  test("a template without an agent is imported with a warning", async () => {
    start();
    const { job, versionId } = await importVersion({ "main.tf": 'resource "terraform_data" "x" {}\n' });
    expect(job).toMatchObject({ status: "succeeded" });
    const { warnings } = await fixture.deps.db
      .selectFrom("template_versions")
      .select("warnings")
      .where("id", "=", versionId)
      .executeTakeFirstOrThrow();
    expect(warnings).toEqual([expect.stringContaining("has no agent")]);
    const logs = await fixture.deps.db
      .selectFrom("provisioner_job_logs")
      .select("stage")
      .where("job_id", "=", job.id)
      .orderBy("seq")
      .execute();
    const stages = logs.map(({ stage }) => stage).filter((stage, at, all) => stage !== all[at - 1]);
    expect(stages).toEqual([...new Set(stages)]);
  });

  test("a provider that is not to be had names the three ways to get it", async () => {
    start({ useRegistries: false });
    const { job } = await importVersion({
      "main.tf":
        'terraform {\n  required_providers {\n    nope = { source = "example/nope" }\n  }\n}\nresource "nope_thing" "x" {}\n',
    });
    expect(job.status).toBe("failed");
    expect(job.error).toContain("example/nope");
    expect(job.error).toMatch(/mirror directory.*registry.*module proxy/s);
  });

  test("a lock file that cannot be met fails the import, unless it may be ignored", async () => {
    start({ useRegistries: false });
    const lock =
      'provider "registry.terraform.io/coder/coder" {\n  version = "2.0.1"\n  hashes = [\n    "zh:1111111111111111111111111111111111111111111111111111111111111111",\n  ]\n}\n';
    const files = { "main.tf": template, ".terraform.lock.hcl": lock };
    const { job } = await importVersion(files);
    expect(job).toMatchObject({ status: "failed", error: expect.stringContaining("lock file") });
    const again = await fixture.postImport(await archive(files), {
      provisioner: "terraform",
      ignoreLockFile: true,
    });
    expect(await fixture.waitForJob(again.job.id)).toMatchObject({ status: "succeeded" });
    expect(await logText(again.job.id)).toContain("Going on without the template's .terraform.lock.hcl");
  });

  test("the lock of the import binds versions everywhere, and checksums only where they were made", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": template });
    const { db } = fixture.deps;
    const { lock_file } = await db
      .selectFrom("template_versions")
      .select("lock_file")
      .where("id", "=", versionId)
      .executeTakeFirstOrThrow();
    // As another daemon's build of the same version of the provider would have left it.
    const checksum = randomBytes(32).toString("base64");
    const foreign = lock_file.replace(/"h1:[^"]+"/, `"h1:${checksum}"`);
    await db
      .updateTable("template_versions")
      .set({ lock_file: foreign })
      .where("id", "=", versionId)
      .execute();
    const { job } = await fixture.postBuild(workspaceId, versionId);
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "succeeded", error: null });
    expect(await logText(job.id)).toMatch(
      /keeps their versions \(coder\/coder 2\.19\.0\) and records its own checksums/,
    );
  });

  test("a canceled apply is interrupted, and the state that it reached is kept", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": slowTemplate });
    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    await vi.waitFor(async () => expect(await stateNames(build.id)).toContain("quick"), { timeout: 60_000 });
    await cancelJob(fixture.deps, job.id);
    expect(await fixture.waitForJob(job.id)).toMatchObject({ status: "canceled" });
    expect(await stateNames(build.id)).toContain("quick");
    expect(await processesIn(join(cacheDir, "work"))).toEqual([]);
  });

  test("when Terraform is killed in mid-apply, the server holds what it had made", async () => {
    start();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": slowTemplate });
    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    await vi.waitFor(async () => expect(await stateNames(build.id)).toContain("quick"), { timeout: 60_000 });
    for (const { pid, command } of await processesIn(join(cacheDir, "work"))) {
      if (command.includes("\0apply\0")) process.kill(pid, "SIGKILL");
    }
    expect(await fixture.waitForJob(job.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("SIGKILL"),
    });
    expect(await stateNames(build.id)).toContain("quick");
  });

  /** Starts daemons that can be killed, with a cache of their own: tests look at what is left in it. */
  async function killableDaemons(name: string) {
    const sockets = createServer((socket) => {
      const { builtIn } = apiDaemons.reservedProvisionerKeyIds;
      const identity = { organizationId: fixture.organizationId, keyId: builtIn, userId: null };
      void provisioners.serveDaemon(duplexCarrier(socket), identity);
    }).listen(0, "127.0.0.1");
    await once(sockets, "listening");
    const { port } = sockets.address() as AddressInfo;
    stops.push(async () => void sockets.close());
    const ownCache = join(scratch, name);
    await cp(sharedMirror, join(ownCache, "mirror"), { recursive: true });
    const run = () =>
      spawn(
        process.execPath,
        [join(import.meta.dirname, "daemon-process.ts"), String(port), ownCache, name],
        {
          stdio: ["ignore", "ignore", "inherit"],
        },
      );
    return { ownCache, run };
  }

  test("when the daemon is killed, Terraform ends, and the next daemon hands in the state", async () => {
    const { ownCache, run } = await killableDaemons("killed");
    const first = run();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": slowTemplate });
    const { job, build } = await fixture.postBuild(workspaceId, versionId);
    await vi.waitFor(async () => expect(await stateNames(build.id)).toContain("quick"), { timeout: 60_000 });
    first.kill("SIGKILL");
    await vi.waitFor(async () => expect(await processesIn(join(ownCache, "work"))).toEqual([]), {
      timeout: 20_000,
    });
    const left = jobDirectories(ownCache);
    expect(left).toHaveLength(1);
    const onDisk = JSON.parse(
      await readFile(join(ownCache, "work", left[0]!, "tree", "terraform.tfstate"), "utf8"),
    );

    await reapJobs(fixture.deps, { leaseMs: 6_000, pendingTimeoutMs: 0 }, new Date(Date.now() + 60_000));
    expect(await fixture.job(job.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("stopped answering"),
    });
    const second = run();
    stops.push(async () => void second.kill("SIGKILL"));
    await vi.waitFor(() => expect(jobDirectories(ownCache)).toEqual([]), { timeout: 20_000 });
    expect(await fixture.state(build.id)).toMatchObject({ lineage: onDisk.lineage, serial: onDisk.serial });
  });

  test("killed as a provisioner begins, before it has read of that, the daemon leaves a tainted resource", async () => {
    const { ownCache, run } = await killableDaemons("half");
    const daemon = run();
    const { versionId, workspaceId } = await workspaceOf({ "main.tf": halfTemplate });
    const { build } = await fixture.postBuild(workspaceId, versionId);
    await vi.waitFor(
      async () => {
        const found = await processesIn(join(ownCache, "work"));
        expect(found.some(({ command }) => command.includes("\0apply\0"))).toBe(true);
      },
      { timeout: 60_000 },
    );
    // It reads no further.
    daemon.kill("SIGSTOP");
    const tree = () => join(ownCache, "work", jobDirectories(ownCache)[0]!, "tree");
    await vi.waitFor(() => expect(readdirSync(tree())).toContain("begun"), { timeout: 20_000 });
    daemon.kill("SIGKILL");
    await vi.waitFor(async () => expect(await processesIn(join(ownCache, "work"))).toEqual([]), {
      timeout: 20_000,
    });
    const onDisk = JSON.parse(await readFile(join(tree(), "terraform.tfstate"), "utf8"));
    expect(onDisk.resources).toMatchObject([{ name: "half", instances: [{ status: "tainted" }] }]);
    const next = run();
    stops.push(async () => void next.kill("SIGKILL"));
    await vi.waitFor(() => expect(jobDirectories(ownCache)).toEqual([]), { timeout: 20_000 });
    const found = await fixture.state(build.id);
    expect(JSON.parse(found?.state.toString() ?? "")).toEqual(onDisk);
  });
});

/** One resource is made at once; the other is never finished. */
const slowTemplate = `
resource "terraform_data" "quick" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {
    command = "sleep 300"
  }
}
`;

/** Made at once, and never whole. */
const halfTemplate = `
resource "terraform_data" "half" {
  provisioner "local-exec" {
    command = "touch begun; sleep 300"
  }
}
`;

async function stateNames(buildId: string): Promise<string[]> {
  const found = await fixture.state(buildId);
  const parsed: { resources: { name: string }[] } =
    found === null ? { resources: [] } : JSON.parse(found.state.toString());
  return parsed.resources.map(({ name }) => name);
}

/** Processes whose working directory lies in `dir`. */
/** What the engine holds of jobs at the moment. */
function jobDirectories(cache: string): string[] {
  return readdirSync(join(cache, "work")).filter((name) => !name.startsWith("."));
}

async function processesIn(dir: string): Promise<{ pid: number; command: string }[]> {
  const found = await Promise.all(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const cwd = await readlink(`/proc/${name}/cwd`).catch(() => "");
        const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
        return { pid: Number(name), cwd, command };
      }),
  );
  return found.filter(({ cwd }) => cwd.startsWith(dir));
}
