import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builds, type Client, type WorkspaceTransition, workspaces } from "@slipway/api";
import { WebSocket } from "ws";
import { startCoderServer } from "../test/harness/coder-server.ts";
import { pushTemplate } from "../test/harness/template.ts";
import { createWorkspace, postBuild } from "../test/harness/workspaces.ts";
import type { Bench, BenchResult } from "./bench.ts";
import { time } from "./coder.ts";
import { interleave, median, percentile, summary } from "./statistics.ts";
import { plainTemplate } from "./templates.ts";

type Span = { beginMs: number; endMs: number; command: string; configFile: string };

/**
 * A warm build by a real server, from the request until a client that follows the log is told of its end, against
 * `terraform init && terraform apply` by hand: same template, same state to start from, same configuration of
 * providers. Every run of Terraform by the server is timed by a wrapper around it.
 */
export const warmBuild: Bench = {
  name: "warm-build",
  title: "Warm build of a workspace",
  async measure(run) {
    const scratch = await mkdtemp(join(tmpdir(), "slipway-bench-"));
    try {
      return await measureIn(scratch, run.pick(50, 2));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

async function measureIn(scratch: string, rounds: number): Promise<BenchResult> {
  const terraform = await wrapTerraform(scratch);
  const server = await startCoderServer({
    env: { CODER_TERRAFORM_BINARY: terraform.wrapper },
  });
  try {
    const client = server.owner;
    const template = await pushTemplate(client, "plain", plainTemplate);
    const workspace = await createWorkspace(client, template.id, "dev");
    const walls: number[] = [];
    const own: number[] = [];
    const engine: number[] = [];
    const hand: number[] = [];
    let runs = 0;

    async function build(transition: WorkspaceTransition): Promise<void> {
      await terraform.forget();
      const startedAt = performance.now();
      const { id } = await postBuild(client, workspace.id, transition);
      await logEnd(client, id);
      const wallMs = performance.now() - startedAt;
      const { job } = await client.call(builds.getBuild, { params: { workspacebuild: id } });
      if (job.status !== "succeeded") throw new Error(`A ${transition} build ${job.status}: ${job.error}`);
      const spans = await terraform.spans();
      runs = spans.length;
      const engineMs = spans.reduce((sum, { beginMs, endMs }) => sum + endMs - beginMs, 0);
      own.push(wallMs - engineMs);
      if (transition === "start") {
        walls.push(wallMs);
        engine.push(engineMs);
      }
    }

    let state = Buffer.alloc(0);
    const stop = async () => {
      await build("stop");
      state = await latestState(client, workspace.id);
    };
    const byHand = async () => {
      const dir = join(scratch, "hand");
      await mkdir(dir);
      await writeFile(join(dir, "main.tf"), plainTemplate["main.tf"] ?? "");
      await writeFile(join(dir, "terraform.tfstate"), state);
      const configFile = (await terraform.spans()).at(-1)?.configFile ?? "";
      const script = `${terraform.program} init && ${terraform.program} apply -auto-approve`;
      const env = { TF_CLI_CONFIG_FILE: configFile, CHECKPOINT_DISABLE: "1" };
      hand.push((await time("sh", ["-c", script], env, dir)).ms);
      await rm(dir, { recursive: true });
    };
    // The first pair compiles code and fills caches.
    await stop();
    await build("start");
    for (const samples of [walls, own, engine]) samples.length = 0;
    await interleave(rounds, [stop, byHand, () => build("start")]);

    const ratio = median(walls) / median(hand);
    return {
      checks: [
        { what: "Warm build ÷ `terraform init && apply` by hand", measured: ratio, target: 1, unit: "×" },
        { what: "Own share of a warm build, p50", measured: median(own), target: 90, unit: "ms" },
        {
          what: "Own share of a warm build, p99",
          measured: percentile(own, 0.99),
          target: 400,
          unit: "ms",
        },
      ],
      tables: [
        {
          columns: ["ms", "p50", "p99", "samples"],
          rows: [
            ["warm build (start)", ...summary(walls)],
            [`of it Terraform (${runs} process${runs === 1 ? "" : "es"})`, ...summary(engine)],
            ["`terraform init && apply` by hand", ...summary(hand)],
            ["own share, starts and stops", ...summary(own)],
          ],
        },
      ],
      notes: ["The wrapper's own start, 1 to 3 ms, counts as our share."],
    };
  } finally {
    await server.close();
  }
}

/** Resolves when the server ends the log's stream, as it does when the job has ended. */
async function logEnd(client: Client, buildId: string): Promise<void> {
  const input = { params: { workspacebuild: buildId }, query: { follow: true } };
  const { url, headers } = client.webSocket(builds.getBuildLogs, input);
  const socket = new WebSocket(url, { headers });
  socket.resume();
  await new Promise<void>((resolve, reject) => {
    socket.once("close", () => resolve());
    socket.once("error", reject);
  });
}

async function latestState(client: Client, workspaceId: string): Promise<Buffer<ArrayBuffer>> {
  const { latest_build } = await client.call(workspaces.getWorkspace, { params: { workspace: workspaceId } });
  const response = await client.fetch(builds.getBuildState, { params: { workspacebuild: latest_build.id } });
  return Buffer.from(await response.arrayBuffer());
}

async function wrapTerraform(dir: string) {
  const find = "command -v terraform || command -v tofu";
  const program = execFileSync("sh", ["-c", find], { encoding: "utf8" }).trim();
  const log = join(dir, "spans");
  const wrapper = join(dir, "terraform");
  // bash has a clock of its own; with sh two more processes would be in what is measured.
  const script = `#!/bin/bash
begin=$EPOCHREALTIME
${program} "$@"
status=$?
echo "\${begin/,/.} \${EPOCHREALTIME/,/.} $1 $TF_CLI_CONFIG_FILE" >>${log}
exit $status
`;
  await writeFile(wrapper, script, { mode: 0o755 });
  return {
    program,
    wrapper,
    forget: () => rm(log, { force: true }),
    async spans(): Promise<Span[]> {
      const lines = (await readFile(log, "utf8")).trim().split("\n");
      return lines.map((line) => {
        const [begin, end, command = "", ...configFile] = line.split(" ");
        return {
          beginMs: Number(begin) * 1000,
          endMs: Number(end) * 1000,
          command,
          configFile: configFile.join(" "),
        };
      });
    },
  };
}
