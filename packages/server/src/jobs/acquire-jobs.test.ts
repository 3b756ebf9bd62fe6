import { randomUUID } from "node:crypto";
import { tagsMatch } from "@slipway/template";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acquireJobs, releaseUnconfirmed } from "./acquire-jobs.ts";
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

  test("SQL and the rule in TypeScript agree on any tags", async () => {
    const tags = fc
      .tuple(
        fc.constantFrom(org, user, { scope: "user", owner: "bbb" }),
        fc.dictionary(fc.constantFrom("a", "b", "__proto__", 'q"'), fc.constantFrom("", "1", "2", "ä")),
      )
      .map(([scope, own]): Record<string, string> => ({ ...own, ...scope }));
    await fc.assert(
      fc.asyncProperty(tags, tags, async (daemon, job) => {
        await fixture.deps.db.deleteFrom("provisioner_jobs").execute();
        await fixture.postJob({ tags: job });
        expect((await acquire(daemon)) !== null).toBe(tagsMatch(daemon, job));
      }),
      { numRuns: 60 },
    );
  });
});

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
