import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createTerraformEngine, startDaemon } from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { startTestPostgres } from "../packages/server/src/db/testing/test-postgres.ts";
import { createQueueFixture } from "../packages/server/src/jobs/testing/queue-fixture.ts";
import { createProvisioners } from "../packages/server/src/provisioners/provisioners.ts";

// A warm build of a workspace, from its row's commit to its job's end, against `terraform init && terraform apply`
// by hand on the same template: `node bench/build.ts [ROUNDS]`. Terraform's own time is taken by a wrapper around it.
const rounds = Number(process.argv[2] ?? 20);
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway", "provisioner");
const scratch = await mkdtemp(join(tmpdir(), "slipway-bench-"));
const spans = join(scratch, "spans");
const terraform = spawnSync("sh", ["-c", "command -v terraform || command -v tofu"]).stdout.toString().trim();
const wrapper = join(scratch, "terraform");
await writeFile(
  wrapper,
  `#!/bin/sh\nstart=$(date +%s%N)\n${terraform} "$@"\nstatus=$?\necho "$start $(date +%s%N) $1" >>${spans}\nexit $status\n`,
  { mode: 0o755 },
);

const template = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
resource "coder_agent" "dev" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "code" {
  agent_id = coder_agent.dev.id
  slug     = "code"
  url      = "http://localhost:8080"
}
resource "terraform_data" "home" {}
resource "terraform_data" "compute" {
  count = data.coder_workspace.me.start_count
  input = { token = coder_agent.dev.token, script = coder_agent.dev.init_script }
}
`;

const postgres = await startTestPostgres();
process.env.SLIPWAY_TEST_PG = postgres.url;
const fixture = await createQueueFixture();
const provisioners = createProvisioners(fixture.deps);
const log = { debug() {}, info() {}, warn() {} };
const engine = createTerraformEngine({ cacheDir, log, env: process.env, binary: wrapper });
const daemon = startDaemon({
  connect: () => provisioners.connectBuiltinDaemon(),
  name: "bench",
  version: "bench",
  tags: {},
  engines: [engine],
  cacheDir: join(scratch, "daemon"),
  log,
  signal: new AbortController().signal,
});
const archive = await writeTar([{ path: "main.tf", type: "file", data: Buffer.from(template), mode: 0o644 }]);
const imported = await fixture.postImport(archive, { provisioner: "terraform" });
const job = await fixture.waitForJob(imported.job.id);
if (job.status !== "succeeded") throw new Error(job.error ?? "the import failed");
const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(imported.versionId));

async function build(transition: "start" | "stop"): Promise<{ wallMs: number; ownMs: number }> {
  await rm(spans, { force: true });
  const startedAt = performance.now();
  const queued = await fixture.postBuild(workspaceId, imported.versionId, { transition });
  const ended = await fixture.waitForJob(queued.job.id);
  const wallMs = performance.now() - startedAt;
  if (ended.status !== "succeeded") throw new Error(ended.error ?? "a build failed");
  const engineMs = (await readFile(spans, "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .reduce((sum, [start, end]) => sum + Number(BigInt(end ?? 0) - BigInt(start ?? 0)) / 1e6, 0);
  return { wallMs, ownMs: wallMs - engineMs };
}

async function byHand(): Promise<number> {
  const dir = join(scratch, "hand");
  await mkdir(dir);
  await writeFile(join(dir, "main.tf"), template);
  await writeFile(
    join(scratch, "hand.tfrc"),
    `provider_installation {\n  filesystem_mirror { path = ${JSON.stringify(join(cacheDir, "mirror"))} }\n}\n`,
  );
  const env = { ...process.env, TF_CLI_CONFIG_FILE: join(scratch, "hand.tfrc"), CHECKPOINT_DISABLE: "1" };
  const startedAt = performance.now();
  const run = spawnSync("sh", ["-c", `${terraform} init && ${terraform} apply -auto-approve`], {
    cwd: dir,
    env,
  });
  const ms = performance.now() - startedAt;
  if (run.status !== 0) throw new Error(run.stderr.toString());
  await rm(dir, { recursive: true });
  return ms;
}

await build("start");
await build("stop");
const walls: number[] = [];
const own: number[] = [];
const hand: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const started = await build("start");
  walls.push(started.wallMs);
  own.push(started.ownMs);
  hand.push(await byHand());
  own.push((await build("stop")).ownMs);
}
await daemon.stop("drain");
await engine.close();
await provisioners.close();
await fixture.close();
await postgres.stop();
await rm(scratch, { recursive: true, force: true });

const at = (values: number[], share: number) => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};
console.log(`${rounds} interleaved rounds\n\n| | p50 ms | p99 ms |\n|---|---|---|`);
for (const [name, values] of [
  ["warm build (start)", walls],
  ["init and apply by hand", hand],
  ["our own share", own],
] as const) {
  console.log(`| ${name} | ${Math.round(at(values, 0.5))} | ${Math.round(at(values, 0.99))} |`);
}
console.log(`\nRatio of the medians: ${(at(walls, 0.5) / at(hand, 0.5)).toFixed(2)} ×`);
