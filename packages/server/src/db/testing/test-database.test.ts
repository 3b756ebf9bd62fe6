import { Client } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

const databases: TestDatabase[] = [];

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function create(options?: { migrated: boolean }): Promise<TestDatabase> {
  const database = await createTestDatabase(options);
  databases.push(database);
  return database;
}

async function tables(database: TestDatabase): Promise<string[]> {
  return query(database, "select tablename as value from pg_tables where schemaname = 'public'");
}

async function query(database: TestDatabase, text: string): Promise<string[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<{ value: string }>(text)).rows.map((row) => row.value);
  } finally {
    await client.end();
  }
}

describe("a test database", () => {
  test("has the migrations applied", async () => {
    expect(await tables(await create())).toContain("users");
  });

  test("is empty on request", async () => {
    expect(await tables(await create({ migrated: false }))).toEqual([]);
  });

  test("shares nothing with another one made at the same time", async () => {
    const [first, second] = await Promise.all([create(), create()]);
    await query(first, "create table only_here (id int)");

    expect(await tables(first)).toContain("only_here");
    expect(await tables(second)).not.toContain("only_here");
  });

  test("is gone once dropped, even while somebody is connected", async () => {
    const database = await create();
    const client = new Client({ connectionString: database.url });
    client.on("error", () => {});
    await client.connect();

    await database.drop();
    await expect(query(database, "select 'x' as value")).rejects.toThrow(/does not exist/);
  });
});
