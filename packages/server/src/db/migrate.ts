import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";

/** Where the migrations are: beside this file, in the sources as in a bundle. */
const migrationsDir = join(import.meta.dirname, "migrations");

/** Held while migrating, so that replicas which start together go one after the other. */
const migrationLock = 0x736c_7763;

/** The database was made by a newer program. Going on could damage what this program does not know. */
export class SchemaTooNewError extends Error {
  constructor(databaseVersion: number, programVersion: number) {
    super(
      `The database has schema version ${databaseVersion}, and this program knows versions up to ` +
        `${programVersion}. Start the program that last used this database, or a newer one.`,
    );
    this.name = "SchemaTooNewError";
  }
}

type Migration = { version: number; name: string; path: string };

/** Brings the database to the program's schema and returns its version. Safe to call from many replicas at once. */
export async function migrate(url: string): Promise<number> {
  const migrations = await listMigrations();
  const newest = migrations.at(-1)?.version ?? 0;
  // A pool's statement timeout would cut a long migration off; this connection has none.
  const client = new pg.Client({
    connectionString: url,
    application_name: "slipway migrate",
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    const present = await currentVersion(client);
    if (present > newest) throw new SchemaTooNewError(present, newest);
    if (present === newest) return newest;
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await client.query(
      `create table if not exists schema_migrations (
        version integer primary key, name text not null, applied_at timestamptz not null default now()
      )`,
    );
    // Another replica may have been faster, or may be newer.
    const reached = await currentVersion(client);
    if (reached > newest) throw new SchemaTooNewError(reached, newest);
    for (const migration of migrations) {
      if (migration.version > reached) await apply(client, migration);
    }
    return newest;
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}

async function currentVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ present: boolean }>(
    "select to_regclass('schema_migrations') is not null as present",
  );
  if (!rows[0]?.present) return 0;
  const result = await client.query<{ version: number }>(
    "select coalesce(max(version), 0)::integer as version from schema_migrations",
  );
  return result.rows[0]?.version ?? 0;
}

async function apply(client: pg.Client, { version, name, path }: Migration): Promise<void> {
  const text = await readFile(path, "utf8");
  await client.query("begin");
  try {
    await client.query(text);
    await client.query("insert into schema_migrations (version, name) values ($1, $2)", [version, name]);
    await client.query("commit");
  } catch (err) {
    await client.query("rollback").catch(() => {}); // The first error tells more than a broken connection.
    throw new Error(`Migration ${name} failed: ${err instanceof Error ? err.message : err}`, { cause: err });
  }
}

async function listMigrations(): Promise<Migration[]> {
  const names = (await readdir(migrationsDir)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return names.map((name) => ({
    version: Number(name.slice(0, 4)),
    name: name.slice(0, -".sql".length),
    path: join(migrationsDir, name),
  }));
}
