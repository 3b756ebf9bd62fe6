import { randomUUID } from "node:crypto";
import { tagsMatch } from "@slipway/template";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acquireJobs, releaseUnconfirmed } from "./acquire-jobs.ts";
import { tagsMatchSql } from "./tags-sql.ts";
import { createQueueFixture, type QueueFixture, untagged } from "./testing/queue-fixture.ts";

let fixture: QueueFixture;

beforeAll(async () => {
  fixture = await createQueueFixture();
});
beforeEach(async () => {
  await fixture.deps.db.deleteFrom("provisioner_jobs").execute();
});
afterAll(() => fixture.close());

async function addDaemon(name: string): Promise<{ daemonId: string; daemonName: string }> {
  const id = randomUUID();
  await fixture.deps.db
    .insertInto("provisioner_daemons")
    .values({
      id,
      organization_id: fixture.organizationId,
      key_id: randomUUID(),
      owner_id: null,
      name: `${name}-${id}`,
      api_version: "1.18",
      provisioners: ["echo"],
      tags: JSON.stringify(untagged),
      instance_id: id,
      created_at: fixture.clock.now(),
      last_seen_at: fixture.clock.now(),
    })
    .execute();
  return { daemonId: id, daemonName: name };
}

async function acquire(
  tags: Record<string, string>,
  options: { provisioners?: string[]; organizationId?: string } = {},
) {
  const { organizationId = fixture.organizationId, provisioners = ["echo"] } = options;
  const [job] = await acquireJobs(
    fixture.deps.db,
    { organizationId, provisioners, tags },
    [await addDaemon("one")],
    15_000,
  );
  return job ?? null;
}

// provisioning.md §2.2
const org = { scope: "organization", owner: "" };
const user = { scope: "user", owner: "aaa" };
const env = { environment: "on-prem" };
const chicago = { datacenter: "chicago" };
const newYork = { datacenter: "new_york" };
const table: [row: number, daemon: Record<string, string>, job: Record<string, string>, canRun: boolean][] = [
  [1, org, org, true],
  [2, { ...org, ...env }, { ...org, ...env }, true],
  [3, { ...org, ...env, ...chicago }, { ...org, ...env }, true],
  [4, { ...org, ...env, ...chicago }, { ...org, ...env, ...chicago }, true],
  [5, user, user, true],
  [6, { ...user, ...env }, user, true],
  [7, { ...user, ...env }, { ...user, ...env }, true],
  [8, { ...user, ...env, ...chicago }, { ...user, ...env }, true],
  [9, { ...user, ...env, ...chicago }, { ...user, ...env, ...chicago }, true],
  [10, org, { ...org, ...env }, false],
  [11, { ...org, ...env }, org, false],
  [12, { ...org, ...env }, { ...org, ...env, ...chicago }, false],
  [13, { ...org, ...env, ...newYork }, { ...org, ...env, ...chicago }, false],
  [14, user, org, false],
  [15, user, { scope: "user", owner: "bbb" }, false],
  [16, org, user, false],
  [17, org, { ...user, ...env }, false],
  [18, user, { ...user, ...env }, false],
  [19, { ...user, ...env }, { ...user, ...env, ...chicago }, false],
  [20, { ...user, ...env, ...chicago }, { ...user, ...env, ...newYork }, false],
];

describe("which daemon may take which job", () => {
  test.each(table)("row %i of the truth table", async (_row, daemon, job, canRun) => {
    const posted = await fixture.postJob({ tags: job });
    expect((await acquire(daemon))?.id ?? null).toBe(canRun ? posted.id : null);
  });

  test("row 21: never in another organization", async () => {
    await fixture.postJob({ tags: { ...org, ...env } });
    expect(await acquire({ ...org, ...env }, { organizationId: randomUUID() })).toBeNull();
  });

  test("only jobs of a type that the daemon runs", async () => {
    await fixture.postJob({ provisioner: "terraform" });
    expect(await acquire(org)).toBeNull();
    expect(await acquire(org, { provisioners: ["echo", "terraform"] })).not.toBeNull();
  });

  test("SQL and the rule in TypeScript agree on a hundred thousand pairs of tags", async () => {
    const random = createRandom(20_260_301);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
    const any = () => {
      const tags: Record<string, string> = { ...pick([org, user, { scope: "user", owner: "bbb" }]) };
      for (const key of ["a", "b", "constructor", 'q"']) {
        if (random() < 0.4) tags[key] = pick(["", "1", "2", "ä"]);
      }
      return tags;
    };
    const someOf = (tags: Record<string, string>) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => key in org || random() < 0.7));
    const pairs = Array.from({ length: 100_000 }, (): [Record<string, string>, Record<string, string>] => {
      const daemon = any();
      // Pairs at random differ in everything: half of the jobs have tags of their daemon.
      return [daemon, random() < 0.5 ? any() : someOf(daemon)];
    });
    const { rows } = await sql<{ n: number }>`
      select n from unnest(${pairs.map(([daemon]) => JSON.stringify(daemon))}::jsonb[],
        ${pairs.map(([, job]) => JSON.stringify(job))}::jsonb[]) with ordinality as pair (daemon, job, n)
      where ${tagsMatchSql(sql.ref("daemon"), sql.ref("job"))} order by n`.execute(fixture.deps.db);
    const expected = pairs.flatMap(([daemon, job], index) => (mayRun(daemon, job) ? [index + 1] : []));
    expect(rows.map(({ n }) => n)).toEqual(expected);
    expect(pairs.flatMap(([daemon, job], index) => (tagsMatch(daemon, job) ? [index + 1] : []))).toEqual(
      expected,
    );
    // Neither answer is rare.
    expect(expected.length).toBeGreaterThan(20_000);
    expect(expected.length).toBeLessThan(80_000);
  });
});

/** The rule of provisioning.md §2.1 in the words of the specification, for comparison. */
function mayRun(daemon: Record<string, string>, job: Record<string, string>): boolean {
  const lines = (tags: Record<string, string>) => Object.entries(tags).map((tag) => JSON.stringify(tag));
  const isUntagged = (tags: Record<string, string>) =>
    lines(tags).toSorted().join() === lines(org).toSorted().join();
  if (isUntagged(job)) return isUntagged(daemon);
  const has = new Set(lines(daemon));
  return lines(job).every((line) => has.has(line));
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("order and exclusion", () => {
  test("people come before automatic builds, and those before prebuilds; then the oldest", async () => {
    const prebuild = await fixture.postJob({ priority: 2 });
    const automatic = await fixture.postJob({ priority: 1 });
    const first = await fixture.postJob();
    const second = await fixture.postJob();
    const taken = [await acquire(org), await acquire(org), await acquire(org), await acquire(org)];
    expect(taken.map((job) => job?.id)).toEqual([first.id, second.id, automatic.id, prebuild.id]);
    expect(await acquire(org)).toBeNull();
  });

  test("a canceled job is not taken", async () => {
    const job = await fixture.postJob();
    await fixture.deps.db
      .updateTable("provisioner_jobs")
      .set({ canceled_at: new Date() })
      .where("id", "=", job.id)
      .execute();
    expect(await acquire(org)).toBeNull();
  });

  test("one query serves several daemons, each with a job of its own", async () => {
    const posted = [await fixture.postJob(), await fixture.postJob(), await fixture.postJob()];
    const takers = [await addDaemon("a"), await addDaemon("b"), await addDaemon("c"), await addDaemon("d")];
    const domain = { organizationId: fixture.organizationId, provisioners: ["echo"], tags: org };
    const jobs = await acquireJobs(fixture.deps.db, domain, takers, 15_000);
    expect(jobs.map(({ id }) => id).sort()).toEqual(posted.map(({ id }) => id).sort());
    expect(new Set(jobs.map(({ daemon_id }) => daemon_id)).size).toBe(3);
    expect(
      jobs.every(
        ({ epoch, lease_confirmed, lease_until }) => epoch === 1 && !lease_confirmed && lease_until !== null,
      ),
    ).toBe(true);
  });

  test("daemons that ask at once never get the same job", async () => {
    await Promise.all(Array.from({ length: 40 }, () => fixture.postJob()));
    const taken = await Promise.all(Array.from({ length: 60 }, () => acquire(org)));
    const ids = taken.flatMap((job) => job?.id ?? []);
    expect(ids).toHaveLength(40);
    expect(new Set(ids).size).toBe(40);
  });

  test("an acquisition that nobody confirms goes back into the queue, under another epoch", async () => {
    const job = await fixture.postJob();
    const lost = await acquire(org);
    expect(await releaseUnconfirmed(fixture.deps.db, job.id, lost!.epoch)).toBe(true);
    expect(await acquire(org)).toMatchObject({ id: job.id, epoch: 2 });
    expect(await releaseUnconfirmed(fixture.deps.db, job.id, lost!.epoch)).toBe(false);
  });
});
