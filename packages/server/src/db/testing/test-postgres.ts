import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { pino } from "pino";
import { DataDirectoryInUseError } from "../embedded-postgres/owner-lock.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../embedded-postgres/start-embedded-postgres.ts";
import { memoryDirectory } from "./memory-directory.ts";
import { testDatabasePrefix } from "./test-database-prefix.ts";

const log = pino({ level: "silent" });
const diskDir = join(import.meta.dirname, "../../../../../node_modules/.slipway/test-postgres");
const directoryLimit = 32;

/**
 * Starts a Postgres for tests, without fsync and in memory where there is room. Its data is kept between runs, with
 * the migrated templates in it, so that most runs start it within 100 ms; runs at the same time take the next free
 * directory each.
 */
export async function startTestPostgres(): Promise<EmbeddedPostgres> {
  const baseDir = (await memoryDirectory(diskDir)) ?? diskDir;
  await mkdir(baseDir, { recursive: true });
  for (let number = 1; number <= directoryLimit; number++) {
    const dir = join(baseDir, String(number));
    try {
      return await startKept(dir);
    } catch (error) {
      if (error instanceof DataDirectoryInUseError) continue;
      // Without fsync a power cut may have spoilt it; nothing in it is worth more than a second attempt.
      await removeData(dir);
      return startKept(dir);
    }
  }
  throw new Error(
    `All ${directoryLimit} directories in ${baseDir} are in use by other test runs. Wait for one to end.`,
  );
}

async function startKept(dir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dir, log, sync: false });
  try {
    await dropLeftDatabases(postgres);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  return postgres;
}

/** The directory itself, or the one that it links to, stays. */
async function removeData(dir: string): Promise<void> {
  const root = await realpath(dir);
  for (const name of ["data", "password"]) await rm(join(root, name), { recursive: true, force: true });
}

/** Databases of tests that were killed. We own the directory, so nobody uses them. */
async function dropLeftDatabases(postgres: EmbeddedPostgres): Promise<void> {
  const client = new Client(postgres.connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where starts_with(datname, $1)",
      [testDatabasePrefix],
    );
    for (const { datname } of rows)
      await client.query(`drop database ${client.escapeIdentifier(datname)} with (force)`);
  } finally {
    await client.end();
  }
}
