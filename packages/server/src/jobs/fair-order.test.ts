import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acquireJobs } from "./acquire-jobs.ts";
import { queuePositions } from "./queue-positions.ts";
import { createQueueFixture, type QueueFixture, untagged } from "./testing/queue-fixture.ts";

let fixture: QueueFixture;
let daemonId: string;
/** Initiators by name. */
const users = new Map<string, string>();

beforeAll(async () => {
  fixture = await createQueueFixture();
  daemonId = randomUUID();
  const { db } = fixture.deps;
  const now = new Date();
  await db
    .insertInto("provisioner_daemons")
    .values({
      id: daemonId,
      organization_id: fixture.organizationId,
      key_id: randomUUID(),
      owner_id: null,
      name: "one",
      api_version: "1.18",
      provisioners: ["echo"],
      tags: JSON.stringify(untagged),
      instance_id: daemonId,
      created_at: now,
      last_seen_at: now,
    })
    .execute();
  for (const name of ["a", "b", "c", "d"]) users.set(name, await addUser(name));
});
beforeEach(async () => {
  await fixture.deps.db.deleteFrom("provisioner_jobs").execute();
});
afterAll(() => fixture.close());

async function addUser(name: string): Promise<string> {
  const id = randomUUID();
  const now = new Date();
  await fixture.deps.db
    .insertInto("users")
    .values({
      id,
      username: `user-${name}`,
      name,
      email: `${name}@example.com`,
      hashed_password: null,
      login_type: "password",
      status: "active",
      created_at: now,
      updated_at: now,
    })
    .execute();
  return id;
}

/** A fake fleet: each word is what the queue gave, such as `a2` for a's second job. */
function createRun() {
  const { db } = fixture.deps;
  const names = new Map<string, string>();
  const posted = new Map<string, number>();
  return {
    names,
    async post(user: string, options: { priority?: number; tags?: Record<string, string> } = {}) {
      const count = (posted.get(user) ?? 0) + 1;
      posted.set(user, count);
      const { id } = await fixture.postJob({ initiatorId: users.get(user)!, ...options });
      names.set(id, `${user}${count}`);
    },
    async take(count = 1, tags: Record<string, string> = untagged): Promise<string[]> {
      const takers = Array.from({ length: count }, () => ({ daemonId, daemonName: "one" }));
      const domain = { organizationId: fixture.organizationId, provisioners: ["echo"], tags };
      const jobs = await acquireJobs(db, domain, takers, 60_000);
      return jobs.map(({ id }) => names.get(id) ?? id).sort();
    },
    async end(...jobs: string[]) {
      const ids = [...names].filter(([, name]) => jobs.includes(name)).map(([id]) => id);
      await db
        .updateTable("provisioner_jobs")
        .set({ completed_at: new Date() })
        .where("id", "in", ids)
        .execute();
    },
    /** The words of what waits, in the order of their positions. */
    async queue(): Promise<string[]> {
      const positions = await queuePositions(db, [...names.keys()]);
      return [...positions]
        .sort(([, a], [, b]) => a.position - b.position)
        .map(([id]) => names.get(id) ?? id);
    },
  };
}

describe("whose job is next", () => {
  test("one daemon serves users in turn, whoever has queued how much", async () => {
    const run = createRun();
    for (let count = 0; count < 200; count += 1) await run.post("a");
    for (const user of ["b", "b", "c"]) await run.post(user);
    expect((await run.queue()).slice(0, 6)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
    const order: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      const [job] = await run.take();
      order.push(job!);
      await run.end(job!);
    }
    expect(order).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  test("who comes while another's jobs run is before all of those that have not begun", async () => {
    const run = createRun();
    for (let count = 0; count < 20; count += 1) await run.post("a");
    expect(await run.take(3)).toEqual(["a1", "a2", "a3"]);
    await run.post("b");
    await run.post("b");
    expect((await run.queue()).slice(0, 3)).toEqual(["b1", "b2", "a4"]);
    expect(await run.take(2)).toEqual(["b1", "b2"]);
    await run.end("a1", "a2", "a3", "b1", "b2");
    await run.post("c");
    // c has waited for a shorter time than a and b since they were served.
    expect(await run.take()).toEqual(["a4"]);
    expect(await run.take()).toEqual(["c1"]);
  });

  test("alone, a user's jobs are taken as they were queued", async () => {
    const run = createRun();
    for (let count = 0; count < 9; count += 1) await run.post("a");
    expect(await run.take(4)).toEqual(["a1", "a2", "a3", "a4"]);
    await run.end("a2");
    expect(await run.take()).toEqual(["a5"]);
    expect(await run.queue()).toEqual(["a6", "a7", "a8", "a9"]);
  });

  test("a replica whose clock is wrong changes nothing", async () => {
    const run = createRun();
    await run.post("a");
    fixture.clock.advance(-3_600_000);
    await run.post("b");
    await run.post("a");
    fixture.clock.advance(3_600_000);
    expect(await run.queue()).toEqual(["a1", "b1", "a2"]);
    expect([await run.take(), await run.take()]).toEqual([["a1"], ["b1"]]);
  });

  test("priority comes before fairness", async () => {
    const run = createRun();
    await run.post("b", { priority: 1 });
    await run.post("a");
    await run.post("a");
    expect(await run.queue()).toEqual(["a1", "a2", "b1"]);
    expect(await run.take(2)).toEqual(["a1", "a2"]);
    expect(await run.take()).toEqual(["b1"]);
  });

  test("jobs that a daemon may not run are no one's turn", async () => {
    const run = createRun();
    const gpu = { ...untagged, gpu: "yes" };
    await run.post("a", { tags: gpu });
    await run.post("b");
    expect(await run.queue()).toEqual(["b1"]);
    expect(await run.take(5)).toEqual(["b1"]);
    expect(await run.take(5, gpu)).toEqual(["a1"]);
  });

  test("daemons that ask at once get all that there is", async () => {
    const run = createRun();
    for (const user of ["a", "b", "c", "d"]) for (let count = 0; count < 5; count += 1) await run.post(user);
    const taken = await Promise.all(Array.from({ length: 20 }, () => run.take()));
    expect(taken.flat().sort()).toEqual([...run.names.values()].sort());
    expect(taken.every((jobs) => jobs.length === 1)).toBe(true);
  });

  test("whatever is posted, taken and ended: order within a user, and nobody overtaken twice", async () => {
    type Step = { t: "post"; user: string } | { t: "take" } | { t: "end"; which: number };
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 4, arbitrary: fc.record({ t: fc.constant("post"), user: fc.constantFrom(...users.keys()) }) },
      { weight: 3, arbitrary: fc.record({ t: fc.constant("take") }) },
      { weight: 2, arbitrary: fc.record({ t: fc.constant("end"), which: fc.nat(5) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        await fixture.deps.db.deleteFrom("provisioner_jobs").execute();
        const run = createRun();
        const running: string[] = [];
        const waiting: string[] = [];
        /** How often another user was served while this one waited with nothing of his running. */
        const passedBy = new Map<string, string[]>();
        for (const each of steps) {
          if (each.t === "post") {
            await run.post(each.user);
            waiting.push([...run.names.values()].at(-1)!);
          } else if (each.t === "end") {
            const [job] = running.splice(each.which % Math.max(1, running.length), 1);
            if (job) await run.end(job);
          } else {
            const expected = (await run.queue())[0];
            const [job] = await run.take();
            // The first place of the queue means what it says.
            expect(job).toBe(expected);
            if (!job) {
              expect(waiting).toEqual([]);
              continue;
            }
            const user = job[0]!;
            expect(job).toBe(waiting.find((name) => name[0] === user));
            waiting.splice(waiting.indexOf(job), 1);
            passedBy.delete(user);
            const isIdle = (name: string) => !running.some((other) => other[0] === name);
            for (const other of new Set(waiting.map((name) => name[0]!))) {
              if (other === user || !isIdle(other)) continue;
              const before = passedBy.get(other) ?? [];
              expect(before).not.toContain(user);
              passedBy.set(other, [...before, user]);
            }
            running.push(job);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
