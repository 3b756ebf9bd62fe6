import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, files, provisionerKeys, templateVersions, workspaces } from "@slipway/api";
import {
  connectToServer,
  createEchoEngine,
  type Daemon,
  type DaemonCredential,
  type DaemonOptions,
  type Engine,
  startDaemon,
} from "@slipway/provisionerd";
import { buildVersion } from "../packages/server/src/deployment/version.ts";
import { type CoderServer, startCoderServer } from "../test/harness/coder-server.ts";
import { startExternalDaemon } from "../test/harness/external-daemon.ts";
import { createLedger, ledgerTemplate } from "../test/harness/ledger.ts";
import { packTemplate, pushTemplate } from "../test/harness/template.ts";
import { waitFor } from "../test/harness/wait-for.ts";
import { createWorkspace, postBuild, waitForBuild } from "../test/harness/workspaces.ts";
import type { Bench, BenchResult, BenchRun } from "./bench.ts";
import { percentile, summary } from "./statistics.ts";

const log = { debug() {}, info() {}, warn() {} };
const fleetSize = 30;
const queued = 1_000;
const noOp = { "main.tf": "", "echo.json": JSON.stringify({ start: [{ complete: {} }] }) };

/**
 * Daemons outside of a real server, over WebSockets of their own. Where only the way of a job to its daemon counts,
 * their engine does nothing; those that are killed are processes that run Terraform.
 */
export const externalDaemons: Bench = {
  name: "external-daemons",
  title: "External provisioner daemons",
  async measure(run) {
    const scratch = await mkdtemp(join(tmpdir(), "slipway-bench-"));
    const server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
    const fleet = createFleet(server, scratch);
    try {
      const result = await measureWith(run, server, fleet);
      // Somebody has to delete what was built.
      fleet.start("last", fleet.owner);
      return result;
    } finally {
      await server.close();
      await fleet.stop();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

async function measureWith(run: BenchRun, server: CoderServer, fleet: Fleet): Promise<BenchResult> {
  const { owner } = server;
  const starts = await startsAtOnce(run, owner, fleet);
  const pickUps = await pickUpsBesideOthers(run, owner, fleet);
  const cuts = await keysDeleted(run, owner, fleet);
  await fleet.stop();
  const deaths = await daemonsKilled(run, server);
  return {
    checks: [
      {
        what: `${fleetSize} daemons, ${fleetSize} builds posted at once: the last one starts, worst round`,
        measured: Math.max(...starts) / 1000,
        target: 1,
        unit: "s",
      },
      {
        what: `Pick-up of a job by an idle external daemon, p99, with ${queued} jobs queued for other tags`,
        measured: percentile(pickUps, 0.99),
        target: 50,
        unit: "ms",
      },
      {
        what: "Key deleted to its daemons' end, worst",
        measured: Math.max(...cuts) / 1000,
        target: 1,
        unit: "s",
      },
      {
        what: "Daemon killed to the end of its job, worst",
        measured: Math.max(...deaths) / 1000,
        target: 20,
        unit: "s",
      },
    ],
    tables: [
      {
        columns: ["ms", "p50", "p99", "samples"],
        rows: [
          [`start of the last of ${fleetSize} builds`, ...summary(starts)],
          ["pick-up", ...summary(pickUps, 1)],
          ["key deleted to the end of ten daemons", ...summary(cuts)],
          ["daemon killed to the end of its job", ...summary(deaths)],
        ],
      },
    ],
    notes: ["A pick-up counts from the job's `created_at`, which is before its transaction."],
  };
}

type Fleet = ReturnType<typeof createFleet>;

function createFleet(server: CoderServer, scratch: string) {
  const owner: DaemonCredential = { kind: "user", secret: server.ownerToken };
  // Jobs of templates are for Terraform; this one does what their script says instead.
  const engine: Engine = { ...createEchoEngine(), name: "terraform" };
  let daemons: Daemon[] = [];
  return {
    owner,
    start(name: string, credential: DaemonCredential, onJob?: DaemonOptions["onJob"]): Daemon {
      const base = { name, version: buildVersion, tags: {} };
      const daemon = startDaemon({
        ...base,
        connect: connectToServer({
          ...base,
          url: server.url,
          organization: "default",
          credential,
          provisioners: [engine.name],
        }),
        engines: [engine],
        cacheDir: join(scratch, name),
        log,
        onJob,
        signal: new AbortController().signal,
      });
      daemons.push(daemon);
      return daemon;
    },
    async connected(): Promise<void> {
      await waitFor("the daemons to connect", () => daemons.every(({ isConnected }) => isConnected));
    },
    async stop(): Promise<void> {
      // Those that the server refused have ended already.
      await Promise.allSettled(daemons.map((daemon) => daemon.stop("force")));
      daemons = [];
    },
  };
}

async function startsAtOnce(run: BenchRun, owner: Client, fleet: Fleet): Promise<number[]> {
  let begun: number[] = [];
  for (let index = 0; index < fleetSize; index += 1) {
    fleet.start(`fleet-${index}`, fleet.owner, () => {
      begun.push(performance.now());
      return () => {};
    });
  }
  await fleet.connected();
  const template = await pushTemplate(owner, "no-op", noOp);
  const all = await Promise.all(
    Array.from({ length: fleetSize }, (_, index) => createWorkspace(owner, template.id, `crowd-${index}`)),
  );
  const times: number[] = [];
  for (let round = 0; round < run.pick(10, 1); round += 1) {
    await delay(200);
    begun = [];
    const postedMs = performance.now();
    const posted = await Promise.all(all.map(({ id }) => postBuild(owner, id, "start")));
    await waitFor("all builds to start", () => begun.length === fleetSize, { everyMs: 5 });
    times.push(Math.max(...begun) - postedMs);
    await Promise.all(posted.map(({ id }) => waitForBuild(owner, id)));
  }
  await fleet.stop();
  return times;
}

async function pickUpsBesideOthers(run: BenchRun, owner: Client, fleet: Fleet): Promise<number[]> {
  const begunMs = new Map<string, number>();
  fleet.start("idle", fleet.owner, (job) => {
    begunMs.set(job.jobId, Date.now());
    return () => {};
  });
  await fleet.connected();
  const upload = { contentType: "application/x-tar", data: await packTemplate(noOp) };
  const { hash } = await owner.call(files.uploadFile, { upload });
  const wait = () =>
    owner.call(templateVersions.createTemplateVersion, {
      params: { organization: "default" },
      body: { storage_method: "file", file_id: hash, provisioner: "terraform", tags: { zone: "elsewhere" } },
    });
  for (let index = 0; index < run.pick(queued, 20); index += 10) {
    await Promise.all(Array.from({ length: 10 }, wait));
  }
  const { workspaces: all } = await owner.call(workspaces.getWorkspaces, { query: { limit: 1 } });
  const workspaceId = all[0]?.id ?? "";
  const times: number[] = [];
  for (let index = 0; index < run.pick(200, 3); index += 1) {
    const { id, job } = await postBuild(owner, workspaceId, "start");
    await waitForBuild(owner, id);
    times.push((begunMs.get(job.id) ?? Number.NaN) - Date.parse(job.created_at));
  }
  await fleet.stop();
  return times;
}

async function keysDeleted(run: BenchRun, owner: Client, fleet: Fleet): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < run.pick(10, 1); round += 1) {
    const name = `bench-${round}`;
    const params = { organization: "default" };
    const { key } = await owner.call(provisionerKeys.createProvisionerKey, { params, body: { name } });
    const daemons = Array.from({ length: 10 }, (_, index) =>
      fleet.start(`${name}-${index}`, { kind: "key", secret: key }),
    );
    await fleet.connected();
    const ended = Promise.allSettled(daemons.map((daemon) => daemon.ended));
    const deletedMs = performance.now();
    await owner.call(provisionerKeys.deleteProvisionerKey, { params: { ...params, provisionerkey: name } });
    await ended;
    times.push(performance.now() - deletedMs);
    await fleet.stop();
  }
  return times;
}

/** Real ones, each killed in the middle of a build. Detection waits for leases of 15 s: all at once. */
async function daemonsKilled(run: BenchRun, server: CoderServer): Promise<number[]> {
  const { owner } = server;
  const start = (name: string) =>
    startExternalDaemon({ url: server.url, name, env: { CODER_SESSION_TOKEN: server.ownerToken } });
  const first = await start("doomed-0");
  const template = await pushTemplate(owner, "ledger", ledgerTemplate);
  const count = run.pick(6, 1);
  const others = await Promise.all(
    Array.from({ length: count - 1 }, (_, index) => start(`doomed-${index + 1}`)),
  );
  const doomed = [first, ...others];
  await Promise.all(doomed.map((daemon) => daemon.connected()));
  const ledgers = await Promise.all(doomed.map(() => createLedger()));
  const created = await Promise.all(
    ledgers.map((ledger, index) =>
      owner.call(workspaces.createWorkspace, {
        params: { user: "me" },
        body: {
          name: `doomed-${index}`,
          template_id: template.id,
          rich_parameter_values: ledger.parameters,
        },
      }),
    ),
  );
  await Promise.all(ledgers.map((ledger) => ledger.reachGate()));
  const times = await Promise.all(
    doomed.map(async (daemon, index) => {
      // At different moments between two renewals.
      await delay((index * 5_000) / count);
      await daemon.exit("SIGKILL");
      const killedMs = Date.now();
      // Which build it ran is not known here: the one that ends with it is found by its worker.
      const ended = await Promise.all(
        created.map(({ latest_build }) => waitForBuild(owner, latest_build.id)),
      );
      const own = ended.find(({ job }) => job.worker_name === daemon.name);
      return Date.parse(own?.job.completed_at ?? "") - killedMs;
    }),
  );
  await Promise.all(ledgers.map((ledger) => ledger.openGate()));
  // With a daemon that knows Terraform: what was made is deleted by it.
  const last = await start("undertaker");
  await last.connected();
  for (const { id } of created) await waitForBuild(owner, (await postBuild(owner, id, "delete")).id);
  await last.exit("SIGTERM");
  await Promise.all(ledgers.map((ledger) => ledger.remove()));
  return times;
}
