import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAcquirer } from "./acquirer.ts";
import { createQueueFixture, type QueueFixture, untagged } from "./testing/queue-fixture.ts";

let fixture: QueueFixture;

beforeAll(async () => {
  fixture = await createQueueFixture();
});
afterAll(() => fixture.close());

function domain() {
  return { organizationId: fixture.organizationId, provisioners: ["echo"], tags: untagged };
}

async function taker() {
  const id = randomUUID();
  await fixture.deps.db
    .insertInto("provisioner_daemons")
    .values({
      id,
      organization_id: fixture.organizationId,
      key_id: randomUUID(),
      owner_id: null,
      name: id,
      api_version: "1.18",
      provisioners: ["echo"],
      tags: JSON.stringify(untagged),
      instance_id: id,
      created_at: new Date(),
      last_seen_at: new Date(),
    })
    .execute();
  return { daemonId: id, daemonName: id };
}

describe("waiting for jobs", () => {
  test("a posted job wakes who waits for it", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    const waiting = acquirer.acquire(domain(), await taker(), {
      waitMs: 30_000,
      signal: new AbortController().signal,
    });
    const job = await fixture.postJob();
    expect((await waiting)?.id).toBe(job.id);
    acquirer.close();
  });

  test("nobody waits longer than asked", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    expect(
      await acquirer.acquire(domain(), await taker(), { waitMs: 10, signal: new AbortController().signal }),
    ).toBeNull();
    acquirer.close();
  });

  test("many who wait in one group get one job each", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    const takers = await Promise.all(Array.from({ length: 10 }, taker));
    const waiting = takers.map((each) =>
      acquirer.acquire(domain(), each, { waitMs: 30_000, signal: new AbortController().signal }),
    );
    const posted = await Promise.all(Array.from({ length: 10 }, () => fixture.postJob()));
    const jobs = await Promise.all(waiting);
    expect(jobs.map((job) => job?.id).sort()).toEqual(posted.map(({ id }) => id).sort());
    acquirer.close();
  });

  test("a job for one who left while the query ran is free again at once", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    const job = await fixture.postJob();
    const leaving = new AbortController();
    const left = acquirer.acquire(domain(), await taker(), { waitMs: 30_000, signal: leaving.signal });
    leaving.abort();
    expect(await left).toBeNull();
    const next = await acquirer.acquire(domain(), await taker(), {
      waitMs: 30_000,
      signal: new AbortController().signal,
    });
    expect(next?.id).toBe(job.id);
    acquirer.close();
  });

  test("work that waits while everybody is busy is taken by the next who asks", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    const [first, second] = [await fixture.postJob(), await fixture.postJob()];
    const one = await taker();
    const signal = new AbortController().signal;
    expect((await acquirer.acquire(domain(), one, { waitMs: 30_000, signal }))?.id).toBe(first.id);
    expect((await acquirer.acquire(domain(), one, { waitMs: 30_000, signal }))?.id).toBe(second.id);
    const daemonOfSecond = async () => (await fixture.job(second.id)).daemon_id;
    await expect.poll(daemonOfSecond, { timeout: 10_000 }).toBe(one.daemonId);
    acquirer.close();
  });

  test("a query whose connection is lost is asked again soon, not when the next job is posted", async () => {
    const acquirer = createAcquirer(fixture.deps, { leaseMs: 15_000 });
    const job = await fixture.postJob();
    const { db } = fixture.deps;
    const waitMs = 20_000;
    const who = await taker();
    const waiting = await db.transaction().execute(async (tx) => {
      await sql`lock table provisioner_jobs in access exclusive mode`.execute(tx);
      const asked = acquirer.acquire(domain(), who, { waitMs, signal: new AbortController().signal });
      const cut = async () => {
        const { rows } = await sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
        return rows.length;
      };
      await expect.poll(cut, { timeout: 10_000 }).toBe(1);
      return { asked };
    });
    expect((await waiting.asked)?.id).toBe(job.id);
    acquirer.close();
  });
});
