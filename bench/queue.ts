import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Logger, makeWorkerUtils, run as runWorker } from "graphile-worker";
import { sql } from "kysely";
import pg from "pg";
import { startTestPostgres } from "../packages/server/src/db/testing/test-postgres.ts";
import { createAcquirer } from "../packages/server/src/jobs/acquirer.ts";
import { renewLease } from "../packages/server/src/jobs/lease.ts";
import { createQueueFixture, type QueueFixture } from "../packages/server/src/jobs/testing/queue-fixture.ts";
import type { Bench } from "./bench.ts";
import { interleave, median, percentile } from "./statistics.ts";

const workers = 20;
const tags = { scope: "organization", owner: "", zone: "eu", size: "large" };

/**
 * The queue against graphile-worker, on the same Postgres. Ours: 20 workers acquire jobs that have tags, and confirm
 * each lease. Theirs: no-op jobs, concurrency 20.
 */
export const queue: Bench = {
  name: "queue",
  title: "Acquire jobs with tags, 20 workers",
  async measure(run) {
    const jobs = run.pick(10_000, 200);
    const rounds = run.pick(3, 1);
    const postgres = await startTestPostgres();
    process.env.SLIPWAY_TEST_PG = postgres.url;
    try {
      const fixture = await createQueueFixture({ maxOpen: workers });
      const users = [fixture.userId, ...(await addUsers(fixture, 199))];
      const alone = [fixture.userId];
      const results = {
        acquired: [] as number[],
        crowd: [] as number[],
        confirmed: [] as number[],
        graphile: [] as number[],
      };
      await interleave(rounds, [
        async () => void results.acquired.push(await ours(fixture, jobs, alone, false)),
        async () => void results.graphile.push(await graphile(fixture.databaseUrl, jobs)),
        async () => void results.crowd.push(await ours(fixture, jobs, users, false)),
        async () => void results.confirmed.push(await ours(fixture, jobs, alone, true)),
      ]);
      const latencies = await pickUps(fixture, run.pick(300, 5));
      // Nobody takes these, and whoever asks for work has to look past them.
      await fill(fixture, 1_000, users, { ...tags, zone: "us" });
      const beside = await pickUps(fixture, run.pick(300, 5));
      await fixture.close();

      const theirs = median(results.graphile);
      const row = (name: string, rate: number) => [name, rate.toFixed(0), `${(rate / theirs).toFixed(2)} ×`];
      return {
        checks: [
          {
            what: "Acquired jobs/s ÷ graphile-worker's no-op jobs/s",
            measured: median(results.acquired) / theirs,
            target: 1,
            unit: "×",
            isLowerBound: true,
          },
          { what: "Pick-up of a job, p99", measured: percentile(latencies, 0.99), target: 20, unit: "ms" },
          {
            what: "Pick-up, p99, with 1,000 jobs of 200 users queued for other tags",
            measured: percentile(beside, 0.99),
            target: 50,
            unit: "ms",
          },
        ],
        tables: [
          {
            columns: ["", "jobs/s", "ratio"],
            rows: [
              row("graphile-worker, no-op", theirs),
              row("acquire", median(results.acquired)),
              row("acquire, jobs of 200 users", median(results.crowd)),
              row("acquire and confirm the lease", median(results.confirmed)),
            ],
          },
        ],
        notes: [
          `${jobs} jobs, medians of ${rounds} interleaved rounds.`,
          `Pick-up, from the commit of a job to the hands of one of ${workers} waiting daemons: p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms of ${latencies.length}.`,
        ],
      };
    } finally {
      await postgres.stop();
    }
  },
};

async function addUsers(fixture: QueueFixture, count: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    insert into users (id, username, name, email, login_type, status, created_at, updated_at)
    select gen_random_uuid(), 'bench-' || n, '', 'bench-' || n || '@example.com', 'password', 'active', now(), now()
    from generate_series(1, ${count}) n returning id`.execute(fixture.deps.db);
  return rows.map(({ id }) => id);
}

async function addDaemons(fixture: QueueFixture) {
  const takers = Array.from({ length: workers }, (_, index) => ({
    daemonId: randomUUID(),
    daemonName: `bench-${index}`,
  }));
  const rows = takers.map(({ daemonId, daemonName }) => ({
    id: daemonId,
    organization_id: fixture.organizationId,
    key_id: randomUUID(),
    owner_id: null,
    name: daemonName,
    api_version: "1.18",
    provisioners: ["echo"],
    tags: JSON.stringify(tags),
    instance_id: daemonId,
    created_at: new Date(),
    last_seen_at: new Date(),
  }));
  await fixture.deps.db.insertInto("provisioner_daemons").values(rows).execute();
  return takers;
}

/** Queues jobs of the users in turn. */
async function fill(
  fixture: QueueFixture,
  count: number,
  users: readonly string[],
  jobTags: Record<string, string> = tags,
): Promise<void> {
  const fileId = await fixture.addFile(Buffer.from("bench"));
  await sql`
    insert into provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, created_at, updated_at)
    select gen_random_uuid(), ${fixture.organizationId}, (${users}::uuid[])[1 + n % ${users.length}::integer],
      'template_version_import', 'echo', ${fileId}, '{}', ${JSON.stringify(jobTags)}::jsonb, now(), now()
    from generate_series(1, ${count}) n`.execute(fixture.deps.db);
  await sql`analyze provisioner_jobs`.execute(fixture.deps.db);
}

async function ours(
  fixture: QueueFixture,
  jobs: number,
  users: readonly string[],
  confirm: boolean,
): Promise<number> {
  await fill(fixture, jobs, users);
  const takers = await addDaemons(fixture);
  const acquirer = createAcquirer(fixture.deps, { leaseMs: 600_000 });
  const domain = { organizationId: fixture.organizationId, provisioners: ["echo"], tags };
  const { signal } = new AbortController();
  let done = 0;
  const startedAt = performance.now();
  await Promise.all(
    takers.map(async (taker) => {
      while (done < jobs) {
        const job = await acquirer.acquire(domain, taker, { waitMs: 50, signal });
        if (job === null) continue;
        done += 1;
        if (confirm) {
          await renewLease(
            fixture.deps.db,
            { jobId: job.id, epoch: job.epoch, daemonId: taker.daemonId },
            600_000,
          );
        }
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  acquirer.close();
  await fixture.deps.db.deleteFrom("provisioner_jobs").execute();
  await fixture.deps.db.deleteFrom("provisioner_daemons").execute();
  return jobs / seconds;
}

/** From the commit of a job to the hands of a daemon that waits for it. */
async function pickUps(fixture: QueueFixture, count: number): Promise<number[]> {
  const takers = await addDaemons(fixture);
  const acquirer = createAcquirer(fixture.deps, { leaseMs: 600_000 });
  const domain = { organizationId: fixture.organizationId, provisioners: ["echo"], tags };
  const latencies: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const taken = takers.map((taker) => {
      const leaving = new AbortController();
      return { leaving, job: acquirer.acquire(domain, taker, { waitMs: 30_000, signal: leaving.signal }) };
    });
    // All of them have asked once and wait for the message.
    await delay(15);
    const fileId = await fixture.addFile(Buffer.from("bench"));
    await fixture.postJob({ tags, fileId });
    const startedAt = performance.now();
    await Promise.race(taken.map(({ job }) => job));
    latencies.push(performance.now() - startedAt);
    for (const { leaving } of taken) leaving.abort();
    await Promise.all(taken.map(({ job }) => job));
  }
  acquirer.close();
  await fixture.deps.db.deleteFrom("provisioner_jobs").where("started_at", "is not", null).execute();
  await fixture.deps.db.deleteFrom("provisioner_daemons").execute();
  return latencies;
}

async function graphile(url: string, jobs: number): Promise<number> {
  const logger = new Logger(() => () => {});
  const pool = new pg.Pool({ connectionString: url, max: workers + 4 });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  await pool.query("select graphile_worker.add_job('noop', '{}'::json) from generate_series(1, $1)", [jobs]);
  let done = 0;
  const finished = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const runner = await runWorker({
    pgPool: pool,
    concurrency: workers,
    logger,
    noHandleSignals: true,
    taskList: {
      noop: () => {
        done += 1;
        if (done === jobs) finished.resolve();
      },
    },
  });
  await finished.promise;
  const seconds = (performance.now() - startedAt) / 1000;
  await runner.stop();
  await utils.release();
  await pool.end();
  return jobs / seconds;
}
