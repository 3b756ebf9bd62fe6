import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createQueueFixture, type QueueFixture } from "../jobs/testing/queue-fixture.ts";
import { createReplicas } from "./replicas.ts";

let fixture: QueueFixture;
beforeAll(async () => {
  fixture = await createQueueFixture();
});
afterAll(() => fixture.close());

const start = () => createReplicas({ ...fixture.deps, replicaId: randomUUID() });
const beat = ({ pass }: ReturnType<typeof start>) => pass.runOnce(fixture.deps, new Date());

test("a server is alone until another one comes, and again when that has left or died", async () => {
  const one = start();
  expect(one.isAlone()).toBe(false);
  await beat(one);
  expect(one.isAlone()).toBe(true);
  const two = start();
  await beat(two);
  expect(two.isAlone()).toBe(false);
  await beat(one);
  expect(one.isAlone()).toBe(false);
  await two.leave();
  await beat(one);
  expect(one.isAlone()).toBe(true);

  const three = start();
  await beat(three);
  await one.leave();
  await sql`update replicas set seen_at = now() - interval '1 minute'`.execute(fixture.deps.db);
  const four = start();
  await beat(four);
  expect(four.isAlone()).toBe(true);
  // It was only slow.
  await beat(three);
  expect(three.isAlone()).toBe(false);
});
