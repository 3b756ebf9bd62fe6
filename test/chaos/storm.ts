import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createEchoEngine, type Daemon, startDaemon } from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { Client } from "pg";
import {
  createQueueFixture,
  type QueueFixture,
} from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Chaos, Scenario } from "./chaos.ts";
import { type FaultyLink, faultyLink } from "./faulty-link.ts";
import { checkInvariants, watchForViolations } from "./invariants.ts";
import { startReplicaPart } from "./replica-part.ts";
import { createStormLedger, type StormLedger } from "./storm-engine.ts";

const log = { debug() {}, info() {}, warn() {} };
const leaseMs = 1_200;
/** How often each workspace is built, one build after the other. */
const rounds = 3;

/** What daemons of one process and two replicas of another can be brought into trouble with, in a few seconds. */
export const storm: Scenario = {
  name: "storm",
  title:
    "connections, daemons and Postgres sessions die all the time, under two replicas whose clocks are off",
  share: 560,
  seconds: 5,
  async run(chaos) {
    const { random, say, defer } = chaos;
    const deployment = await chaos.batched(startDeployment, startDeployment);
    const { fixture, connect } = deployment;
    const workspaceOf = new Map<string, string>();
    const ledger = createStormLedger({
      random,
      workspaceOf: (jobId) => workspaceOf.get(jobId) ?? jobId,
      longStepMs: 2 * leaseMs,
    });
    const scratch = await mkdtemp(join(tmpdir(), "slipway-storm-"));
    defer(() => rm(scratch, { recursive: true, force: true }));
    const crew = Array.from({ length: 3 + Math.floor(random() * 8) }, (_, index) =>
      startSeat({ connect, ledger, scratch, name: `storm-${chaos.seed}-${index}` }),
    );
    defer(() => Promise.all(crew.map((seat) => seat.end())));

    const workspaceIds = await Promise.all(
      Array.from({ length: 3 + Math.floor(random() * 8) }, () => fixture.addWorkspace(deployment.templateId)),
    );
    const faults = forecast(random, crew.length);
    const weather = rage(deployment, crew, faults);
    const builds = await Promise.all(
      workspaceIds.map(async (workspaceId) => {
        const ended: Ended[] = [];
        for (let round = 0; round < rounds; round++) {
          // The one that is posted last is to be whole.
          if (round === rounds - 1) await weather;
          ended.push(await buildOnce(deployment, workspaceId, workspaceOf));
        }
        return ended;
      }),
    ).finally(() => weather);

    const all = builds.flat();
    const succeeded = all.filter(({ status }) => status === "succeeded").length;
    say(
      `${crew.length} daemons, ${all.length} builds, ${describeFaults(faults)}: ${succeeded} succeeded, ${all.length - succeeded} ended with a reason`,
    );
    for (const { status, error } of all) {
      if (status !== "succeeded") assert.match(String(error), /stopped answering|lost contact|shut down/);
    }
    assert.deepEqual(ledger.meetings, [], "Two builds of a workspace ran at once.");
    for (const { jobId, buildId } of all) await checkReached(fixture, ledger, jobId, buildId);
    await checkInvariants(fixture.databaseUrl);
  },
};

type Deployment = {
  fixture: QueueFixture;
  versionId: string;
  templateId: string;
  connect(): ReturnType<Awaited<ReturnType<typeof startReplicaPart>>["connectBuiltinDaemon"]>;
  /** As a restart of Postgres does, for whoever is connected. */
  endSessions(): Promise<void>;
};

async function startDeployment(defer: Chaos["defer"]): Promise<Deployment> {
  const fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: leaseMs }, maxOpen: 20 });
  defer(() => fixture.close());
  await watchForViolations(fixture.databaseUrl);
  const replicas = await Promise.all(
    [1, -1].map((sign) => startReplicaPart(fixture.deps, fixture.databaseUrl, sign * 1_800_000, defer)),
  );
  let dials = 0;
  // As behind a load balancer.
  const connect = () => replicas[dials++ % replicas.length]!.connectBuiltinDaemon();
  const importer = startDaemon({
    connect,
    name: "importer",
    version: "test",
    tags: {},
    engines: [createEchoEngine()],
    cacheDir: join(tmpdir(), "slipway-storm-importer"),
    log,
    signal: new AbortController().signal,
  });
  const archive = await writeTar([{ path: "echo.json", type: "file", data: Buffer.from("{}"), mode: 0o644 }]);
  const { job, versionId } = await fixture.postImport(Buffer.from(archive));
  assert.equal((await fixture.waitForJob(job.id)).status, "succeeded");
  await importer.stop("drain");
  let ending = Promise.resolve();
  return {
    fixture,
    versionId,
    templateId: await fixture.addTemplate(versionId),
    connect,
    endSessions() {
      // One after the other: they would end each other's.
      ending = ending.then(() => endSessions(fixture.databaseUrl));
      return ending;
    },
  };
}

async function endSessions(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await client.end();
}

type Ended = { jobId: string; buildId: string; status: string; error: string | null };

async function buildOnce(
  { fixture, versionId }: Deployment,
  workspaceId: string,
  workspaceOf: Map<string, string>,
): Promise<Ended> {
  const { job, build } = await again(() => fixture.postBuild(workspaceId, versionId));
  workspaceOf.set(job.id, workspaceId);
  return waitFor("a build to end", async () => {
    const { status, error, completed_at } = await fixture.job(job.id);
    return completed_at !== null && { jobId: job.id, buildId: build.id, status, error };
  });
}

/** What a daemon has reached is in its build's state, or kept beside the workspace because a later build had begun. */
async function checkReached(
  fixture: QueueFixture,
  ledger: StormLedger,
  jobId: string,
  buildId: string,
): Promise<void> {
  const { db } = fixture.deps;
  const { epoch } = await fixture.job(jobId);
  // Whoever gives a job up raises its epoch.
  const reached = ledger.reached(jobId, epoch) ?? ledger.reached(jobId, epoch - 1);
  if (reached === undefined) return;
  await waitFor(
    `what a job reached (${reached}) to be stored`,
    async () => {
      const stored = await fixture.state(buildId);
      const kept = await db
        .selectFrom("workspace_kept_states")
        .select("serial")
        .where("build_id", "=", buildId)
        .execute();
      return [stored, ...kept].some((state) => state !== null && Number(state.serial) >= reached);
    },
    { timeoutMs: 30_000 },
  );
}

type Seat = {
  /** The connection is gone, or says nothing any more. */
  lose(what: { sent: boolean; received: boolean }): void;
  disconnect(): void;
  /** The daemon ends without a word to anybody; another one of its host comes after it. */
  replace(): Promise<void>;
  end(): Promise<void>;
};

/** A place in which a daemon works, with what its host keeps. */
function startSeat(options: {
  connect: Deployment["connect"];
  ledger: StormLedger;
  scratch: string;
  name: string;
}): Seat {
  const links = new Set<FaultyLink>();
  let isSilent = false;
  const begin = (): Daemon =>
    startDaemon({
      async connect() {
        if (isSilent) throw new Error("The network is away.");
        const link = faultyLink(await options.connect(), () => links.delete(link));
        links.add(link);
        return link.carrier;
      },
      name: options.name,
      version: "test",
      tags: {},
      engines: [options.ledger.engine],
      cacheDir: join(options.scratch, options.name),
      log,
      signal: new AbortController().signal,
    });
  let daemon = begin();
  const lose: Seat["lose"] = (what) => {
    isSilent = true;
    for (const link of links) link.lose(what);
  };
  const disconnect = () => {
    isSilent = false;
    for (const link of [...links]) link.end();
  };
  return {
    lose,
    disconnect,
    async replace() {
      lose({ sent: true, received: true });
      await daemon.stop("force");
      disconnect();
      daemon = begin();
    },
    async end() {
      disconnect();
      await daemon.stop("force");
    },
  };
}

const faultKinds = ["cut", "silent", "unheard", "untold", "killed", "without Postgres"] as const;
type Fault = { kind: (typeof faultKinds)[number]; seat: number; afterMs: number; lastsMs: number };

/** Drawn before anything runs, so that a seed brings the same again. */
function forecast(random: () => number, seats: number): Fault[] {
  return Array.from({ length: 3 + Math.floor(random() * 10) }, () => ({
    kind: pick(faultKinds, random),
    seat: Math.floor(random() * seats),
    afterMs: random() * 250,
    lastsMs: random() * 1.5 * leaseMs,
  }));
}

async function rage(deployment: Deployment, crew: readonly Seat[], faults: readonly Fault[]): Promise<void> {
  const happen = async (seat: Seat, { kind, lastsMs }: Fault) => {
    if (kind === "cut") return seat.disconnect();
    if (kind === "killed") return seat.replace();
    if (kind === "without Postgres") return deployment.endSessions();
    seat.lose({ sent: kind !== "untold", received: kind !== "unheard" });
    await delay(lastsMs);
    seat.disconnect();
  };
  // One thing at a time for each of them.
  const troubles = crew.map(() => Promise.resolve());
  for (const fault of faults) {
    await delay(fault.afterMs);
    const seat = crew[fault.seat]!;
    troubles[fault.seat] = troubles[fault.seat]!.then(() => happen(seat, fault));
  }
  await Promise.all(troubles);
}

function describeFaults(faults: readonly Fault[]): string {
  const byKind = Map.groupBy(faults, ({ kind }) => kind);
  return [...byKind].map(([kind, { length }]) => `${length} ${kind}`).join(", ");
}

function pick<T>(from: readonly T[], random: () => number): T {
  // The index is below the length, and nothing is picked from nothing.
  return from[Math.floor(random() * from.length)] as T;
}

/** Until Postgres takes it: a session that is ended leaves nothing of its transaction. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  return (await waitFor("Postgres to take it", async () => ({ taken: await attempt() }))).taken;
}
