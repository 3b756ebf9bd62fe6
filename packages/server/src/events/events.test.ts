import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDb, type Db } from "../db/db.ts";
import { createTestDatabase, type TestDatabase } from "../db/testing/test-database.ts";
import { type Events, startEvents } from "./events.ts";

let database: TestDatabase;
let db: Db;
let events: Events;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDb({ url: database.url });
  events = await startEvents({ url: database.url, log: pino({ level: "silent" }) });
});
afterAll(async () => {
  await events.close();
  await db.destroy();
  await database.drop();
});

describe("an event", () => {
  test("reaches those who asked for its id, and those who asked for all", async () => {
    const heard: string[] = [];
    const stops = [
      events.subscribe("workspace", "one", (id) => heard.push(`one: ${id}`)),
      events.subscribe("workspace", "*", (id) => heard.push(`all: ${id}`)),
      events.subscribe("agent", "one", (id) => heard.push(`other topic: ${id}`)),
    ];
    await events.publish(db, "workspace", "two");
    await events.publish(db, "workspace", "one");
    await vi.waitFor(() => expect(heard).toHaveLength(3), { timeout: 10_000 });
    expect(heard.sort()).toEqual(["all: one", "all: two", "one: one"]);
    for (const stop of stops) stop();
  });

  test("of a transaction is sent when it commits, once, and not when it fails", async () => {
    const heard: string[] = [];
    const stop = events.subscribe("job", "*", (id) => heard.push(id));
    const failing = db.transaction().execute(async (tx) => {
      await events.publish(tx, "job", "rolled-back");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await db.transaction().execute(async (tx) => {
      await events.publish(tx, "job", "twice");
      await events.publish(tx, "job", "twice");
    });
    await events.publish(db, "job", "last");
    await vi.waitFor(() => expect(heard).toContain("last"), { timeout: 10_000 });
    expect(heard).toEqual(["twice", "last"]);
    stop();
  });
});

describe("waiting", () => {
  test("ends when what is waited for is there, and not before", async () => {
    const id = randomUUID();
    let present = false;
    const waiting = events.waitFor("agent", id, async () => (present ? "there" : null), {
      timeoutMs: 30_000,
    });
    await events.publish(db, "agent", id);
    present = true;
    await events.publish(db, "agent", id);
    expect(await waiting).toBe("there");
  });

  test("ends without it after its time, and with the signal", async () => {
    const never = async () => null;
    expect(await events.waitFor("agent", "x", never, { timeoutMs: 1 })).toBeNull();
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(events.waitFor("agent", "x", never, { timeoutMs: 30_000, signal })).rejects.toThrow("gone");
  });
});

test("after a break the listener comes back, and everybody re-reads", async () => {
  const startedAt = performance.now();
  const heard: string[] = [];
  const stop = events.subscribe("template", "some-id", (id) => heard.push(id));
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway events'
    and datname = current_database()`.execute(db);
  await vi.waitFor(() => expect(heard).toEqual(["*"]), { timeout: 20_000 });
  expect(events.listeningForMs()).toBeLessThan(performance.now() - startedAt);
  await events.publish(db, "template", "some-id");
  await vi.waitFor(() => expect(heard).toEqual(["*", "some-id"]), { timeout: 10_000 });
  stop();
});

test("a listener that breaks at any moment, also while it begins to listen, comes back", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const own = await startEvents({ url: database.url, log: pino({ level: "silent" }) });
  const endsAt = performance.now() + 500;
  while (performance.now() < endsAt) {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'slipway events'`.execute(db);
  }
  let heard = false;
  own.subscribe("job", "after", () => {
    heard = true;
  });
  await vi.waitFor(
    async () => {
      await own.publish(db, "job", "after");
      expect(heard).toBe(true);
    },
    { timeout: 20_000 },
  );
  await own.close();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
