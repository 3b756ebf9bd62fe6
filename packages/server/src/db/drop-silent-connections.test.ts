import { sql } from "kysely";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CuttableProxy, postgresSocket, startCuttableProxy } from "../testing/cuttable-proxy.ts";
import { createDb, type Db } from "./db.ts";
import { isPostgresAway } from "./postgres-errors.ts";
import { createTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let proxy: CuttableProxy;
let db: Db;
let url: URL;

beforeEach(async () => {
  database = await createTestDatabase();
  const target = new pg.Client(database.url);
  proxy = await startCuttableProxy(() => postgresSocket({ host: target.host, port: target.port }));
  url = new URL(`postgres://${proxy.host}:${proxy.port}/${target.database}`);
  url.username = target.user ?? "";
  url.password = String(target.password ?? "");
});
afterEach(async () => {
  proxy.restore();
  await db.destroy();
  await proxy.close();
  await database.drop();
});

const ask = () => sql<{ answer: number }>`select 42 as answer`.execute(db);

test("a Postgres that is frozen is away for whoever waits for it, and back when it goes on", async () => {
  db = createDb({ url: url.href, silenceLimits: { suspectAfterMs: 500, probeMs: 1_000 } });
  await ask();
  proxy.freeze();
  const refused = await ask().catch((err: unknown) => err);
  expect(isPostgresAway(refused)).toBe(true);
  proxy.restore();
  expect((await ask()).rows).toEqual([{ answer: 42 }]);
});

test("a query that is only slow is left alone", async () => {
  db = createDb({ url: url.href, silenceLimits: { suspectAfterMs: 100, probeMs: 20_000 } });
  expect((await sql`select pg_sleep(1)`.execute(db)).rows).toHaveLength(1);
});
