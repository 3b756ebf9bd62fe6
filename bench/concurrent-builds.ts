import type { Client } from "@slipway/api";
import { type CoderServer, startCoderServer } from "../test/harness/coder-server.ts";
import { startExternalDaemon } from "../test/harness/external-daemon.ts";
import { pushTemplate } from "../test/harness/template.ts";
import { createWorkspace, postBuild, waitForBuild } from "../test/harness/workspaces.ts";
import type { Bench, BenchRun } from "./bench.ts";
import { interleave, median } from "./statistics.ts";
import { plainTemplate } from "./templates.ts";

const atOnce = 4;

/** A resource that takes its time, as those of clouds do. */
const waitingTemplate = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "slow" {
  input            = data.coder_workspace.me.transition
  triggers_replace = timestamp()
  provisioner "local-exec" {
    command = "sleep 2"
  }
}
`,
};

/** One external daemon with `--concurrency 4`: four builds posted at once against the same four one after another. */
export const concurrentBuilds: Bench = {
  name: "concurrent-builds",
  title: "Four builds at once in one daemon",
  async measure(run) {
    const server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
    const daemon = await startExternalDaemon({
      url: server.url,
      name: "four",
      args: ["--concurrency", String(atOnce)],
      env: { CODER_SESSION_TOKEN: server.ownerToken },
    });
    try {
      await daemon.connected();
      const plain = await compare(run, server, "plain", plainTemplate);
      const waiting = await compare(run, server, "waiting", waitingTemplate);
      const row = (name: string, { together, apart }: typeof plain) => [
        name,
        together.toFixed(0),
        apart.toFixed(0),
        `${(together / apart).toFixed(2)} ×`,
      ];
      return {
        checks: [
          {
            what: "Four builds at once ÷ one after another, small template",
            measured: plain.together / plain.apart,
            target: 0.75,
            unit: "×",
          },
          {
            what: "Four builds at once ÷ one after another, resources that wait 2 s",
            measured: waiting.together / waiting.apart,
            target: 0.35,
            unit: "×",
          },
        ],
        tables: [
          {
            columns: ["ms, median", "at once", "one after another", "ratio"],
            rows: [row("small template", plain), row("resources that wait 2 s", waiting)],
          },
        ],
      };
    } finally {
      await server.close();
      await daemon.exit("SIGTERM");
    }
  },
};

async function compare(run: BenchRun, server: CoderServer, name: string, source: Record<string, string>) {
  const { owner } = server;
  const template = await pushTemplate(owner, name, source);
  const ids: string[] = [];
  for (let index = 0; index < atOnce; index += 1) {
    ids.push((await createWorkspace(owner, template.id, `${name}-${index}`)).id);
  }
  const together: number[] = [];
  const apart: number[] = [];
  const timed = async (times: number[], work: () => Promise<unknown>) => {
    const beginMs = performance.now();
    await work();
    times.push(performance.now() - beginMs);
  };
  await interleave(run.pick(10, 1), [
    () => timed(together, () => Promise.all(ids.map((id) => start(owner, id)))),
    () =>
      timed(apart, async () => {
        for (const id of ids) await start(owner, id);
      }),
  ]);
  return { together: median(together), apart: median(apart) };
}

async function start(owner: Client, workspaceId: string): Promise<void> {
  const { id } = await postBuild(owner, workspaceId, "start");
  const { job } = await waitForBuild(owner, id);
  if (job.status !== "succeeded") throw new Error(`A build ${job.status}: ${job.error}`);
}
