import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { migrate } from "../migrate.ts";
import { testDatabasePrefix } from "./test-database-prefix.ts";

export type TestDatabase = { url: string; drop(): Promise<void> };

/** Set for every test by the run's global setup (test/support/global-setup.ts): the URL of its Postgres. */
const urlVariable = "SLIPWAY_TEST_PG";
const migrationsDir = join(import.meta.dirname, "../migrations");

/** Serialises the making of templates; "slip" in ASCII. */
const templateLock = 0x736c6970;

/**
 * A database of its own for one test file, with all migrations applied: a clone of a template.
 * `migrated: false` gives an empty one.
 *
 * @example
 * const database = await createTestDatabase();
 * const db = createDb({ url: database.url });
 * afterAll(async () => {
 *   await db.destroy();
 *   await database.drop();
 * });
 */
export async function createTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const server = await serverUrl();
  const name = `${testDatabasePrefix}${randomBytes(8).toString("hex")}`;
  await withClient(server, async (client) => {
    const template = migrated ? await ensureTemplate(server, client) : "template1";
    await client.query(`create database ${name} template ${template} strategy file_copy`);
  });
  return {
    url: withDatabase(server, name),
    drop: () =>
      withClient(server, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Named after the migrations' text: changed migrations make a new template, in place of the old one. */
async function ensureTemplate(server: string, client: Client): Promise<string> {
  const name = `template_${await migrationsHash()}`;
  if (await exists(client, name)) return name;
  await client.query("select pg_advisory_lock($1)", [templateLock]);
  try {
    if (await exists(client, name)) return name;
    const unfinished = `unfinished_${name}`;
    await client.query(`drop database if exists ${unfinished} with (force)`);
    await client.query(`create database ${unfinished}`);
    await migrate(withDatabase(server, unfinished));
    await client.query(`alter database ${unfinished} rename to ${name}`);
    await dropOtherTemplates(client, name);
    return name;
  } finally {
    await client.query("select pg_advisory_unlock($1)", [templateLock]);
  }
}

async function dropOtherTemplates(client: Client, name: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    "select datname from pg_database where datname ~ '^(unfinished_)?template_' and datname <> $1",
    [name],
  );
  for (const { datname } of rows) {
    await client.query(`drop database if exists ${datname}`).catch((error: { code?: string }) => {
      // Being cloned by a test that started before the migrations were edited.
      if (error.code !== "55006") throw error;
    });
  }
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
  return rowCount === 1;
}

async function migrationsHash(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(migrationsDir)).sort()) {
    if (name.endsWith(".sql"))
      hash
        .update(`${name}\0`)
        .update(await readFile(join(migrationsDir, name)))
        .update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

let own: Promise<{ url: string }> | undefined;

/** Outside of a test run, as in a benchmark, the first caller starts a Postgres, which ends with the process. */
async function serverUrl(): Promise<string> {
  const url = process.env[urlVariable];
  if (url !== undefined && url !== "") return url;
  own ??= import("./test-postgres.ts").then(({ startTestPostgres }) => startTestPostgres());
  return (await own).url;
}

/** Not by `URL`: the socket's URL has no host. */
function withDatabase(url: string, name: string): string {
  return url.replace(/^(\w+:\/\/[^/]*\/)[^?]*/, `$1${name}`);
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
