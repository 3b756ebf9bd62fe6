import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEchoEngine, type Daemon, type EchoScript, startDaemon } from "@slipway/provisionerd";
import { writeTar } from "@slipway/template";
import { createQueueFixture } from "../../packages/server/src/jobs/testing/queue-fixture.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Scenario } from "./chaos.ts";
import { checkInvariants, watchForViolations } from "./invariants.ts";
import { startReplicaPart } from "./replica-part.ts";

const log = { debug() {}, info() {}, warn() {} };
const leaseMs = 15_000;
const lines = 3;

/** What one job does: it logs, reaches a state, and ends. */
const script: EchoScript = {
  start: [
    ...Array.from({ length: lines }, (_, line) => ({ log: `line ${line}` })),
    { state: { version: 4, lineage: "one", serial: 1, resources: [] } },
    { complete: {} },
  ],
};

export const race = raceOf({ daemons: 200, builds: 1_000 });

/**
 * Daemons race for the builds of one database on two replicas whose clocks are off: each lease is given out once, each
 * build ends once, and what it says and reaches is stored once.
 */
export function raceOf({
  daemons: daemonCount,
  builds: buildCount,
}: {
  daemons: number;
  builds: number;
}): Scenario {
  return {
    name: "race",
    title: `${daemonCount} daemons race for ${buildCount} builds on two replicas whose clocks are off`,
    share: 6,
    seconds: 40,
    async run({ random, say, defer }) {
      const scratch = await mkdtemp(join(tmpdir(), "slipway-race-"));
      defer(() => rm(scratch, { recursive: true, force: true }));
      const fixture = await createQueueFixture({ config: { provisionerJobLeaseMs: leaseMs }, maxOpen: 20 });
      defer(() => fixture.close());
      await watchForViolations(fixture.databaseUrl);
      const offsetsMs = [0, 1].map(() => Math.round((random() - 0.5) * 2 * 3_600_000));
      const replicas = await Promise.all(
        offsetsMs.map((offsetMs) => startReplicaPart(fixture.deps, fixture.databaseUrl, offsetMs, defer)),
      );

      const archive = await writeTar([
        { path: "echo.json", type: "file", data: Buffer.from(JSON.stringify(script)), mode: 0o644 },
      ]);
      const ran = new Map<string, number>();
      const started = Array.from({ length: daemonCount }, (_, index) => {
        let dials = Math.floor(random() * 2);
        return startDaemon({
          // Half of them begin with each; the next connection leads to the other, as behind a load balancer.
          connect: () => replicas[dials++ % 2]!.connectBuiltinDaemon(),
          name: `racer-${index}`,
          version: "test",
          tags: {},
          engines: [createEchoEngine()],
          cacheDir: join(scratch, String(index)),
          log,
          onJob(job) {
            const key = `${job.jobId} ${job.epoch}`;
            ran.set(key, (ran.get(key) ?? 0) + 1);
            return () => {};
          },
          signal: new AbortController().signal,
        });
      });
      defer(() => Promise.all(started.map((daemon: Daemon) => daemon.stop("force"))));

      const imported = await fixture.postImport(Buffer.from(archive));
      assert.equal((await fixture.waitForJob(imported.job.id)).status, "succeeded");
      const templateId = await fixture.addTemplate(imported.versionId);
      const beganMs = performance.now();
      const posted: string[] = [];
      for (let index = 0; index < buildCount; index += 20) {
        const some = Array.from({ length: Math.min(20, buildCount - index) }, async () => {
          const workspaceId = await fixture.addWorkspace(templateId);
          const { job } = await fixture.postBuild(workspaceId, imported.versionId);
          posted.push(job.id);
        });
        await Promise.all(some);
      }
      const { db } = fixture.deps;
      await waitFor(
        "all builds to end",
        async () => {
          const { count } = await db
            .selectFrom("provisioner_jobs")
            .select((eb) => eb.fn.countAll<number>().as("count"))
            .where("completed_at", "is", null)
            .executeTakeFirstOrThrow();
          return Number(count) === 0;
        },
        { timeoutMs: 300_000, everyMs: 200 },
      );
      const seconds = (performance.now() - beganMs) / 1000;
      const ended = await db.selectFrom("provisioner_jobs").selectAll().where("id", "in", posted).execute();
      const succeeded = ended.filter(({ status }) => status === "succeeded");
      const workers = new Set(ended.map(({ daemon_name }) => daemon_name)).size;
      say(
        `clocks off by ${offsetsMs.map((ms) => `${Math.round(ms / 60_000)} min`).join(" and ")}; ${succeeded.length} of ${buildCount} builds succeeded in ${seconds.toFixed(1)} s, by ${workers} daemons`,
      );
      assert.equal(ended.length, buildCount);
      // All of them share one process here, which may be too slow for a lease.
      for (const { error, status } of ended) {
        if (status !== "succeeded") assert.match(String(error), /stopped answering|lost contact/);
      }
      assert.deepEqual(
        [...ran].filter(([, times]) => times > 1),
        [],
        "A lease was given out twice.",
      );
      const logged = await db
        .selectFrom("provisioner_job_logs as line")
        .innerJoin("provisioner_jobs as job", "job.id", "line.job_id")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("job.status", "=", "succeeded")
        .executeTakeFirstOrThrow();
      assert.equal(Number(logged.count), lines * succeeded.length);
      await checkInvariants(fixture.databaseUrl);
    },
  };
}
