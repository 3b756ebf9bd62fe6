import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
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
import {
  createQueueFixture,
  type QueueFixture,
} from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import {
  createProvisioners,
  type Provisioners,
} from "../../packages/server/src/provisioners/provisioners.ts";

// Shared by all runs: on an isolated machine the coder provider is built there once, which takes minutes.
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway", "provisioner");
const log = { debug() {}, info() {}, warn() {} };

let fixture: QueueFixture;
let provisioners: Provisioners;
let scratch: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: 6_000 } });
  provisioners = createProvisioners(fixture.deps);
  scratch = await mkdtemp(join(tmpdir(), "slipway-terraform-"));
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
    expect(existsSync(join(cacheDir, "work")) ? readdirSync(join(cacheDir, "work")) : []).toEqual([]);
  });
});
