import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "pg";
import { chooseAccount } from "./account.ts";
import { findBinaries } from "./binaries.ts";
import { databaseName, ensureCluster, roleName } from "./cluster.ts";
import { filesOf, prepareDirectory, prepareSocketDirectory, socketDirectory } from "./directory.ts";
import { endLeftovers } from "./leftovers.ts";
import type { PostgresLog } from "./log.ts";
import { acquireOwnerLock } from "./owner-lock.ts";
import { readPassword } from "./password.ts";
import { type Postmaster, startPostmaster } from "./postmaster.ts";

export type EmbeddedPostgres = {
  /** For `pg`, psql and libpq: the socket directory is the `host` parameter. */
  url: string;
  /** The same for `new pg.Pool()`. */
  connection: ClientConfig;
  /** Stops Postgres and gives the directory free. Close pools first. */
  stop(): Promise<void>;
  /** Settles when Postgres has ended for good: stopped, or given up on after it died again and again. */
  exited: Promise<{ cause: Error | undefined }>;
};

export type EmbeddedPostgresOptions = {
  /** Made if it is missing. Holds the data, the password and the socket. */
  dir: string;
  log: PostgresLog;
  /** False makes it fast and unsafe, for tests. */
  sync?: boolean;
  /** Ends an unfinished start; later, `stop` does. */
  signal?: AbortSignal;
};

/** A postmaster that dies more often in a row than this, each time within a minute, is given up on. */
const restartLimit = 5;
const stableAfterMs = 60_000;

/**
 * Starts the Postgres that comes with us on the data in `dir`: the first time it makes the database, after a crash
 * it recovers, and when Postgres itself is killed it is started again.
 *
 * @example
 * const postgres = await startEmbeddedPostgres({ dir: "/var/lib/coder/postgres", log });
 * const pool = new pg.Pool(postgres.connection);
 * // …
 * await pool.end();
 * await postgres.stop();
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, signal } = options;
  const sync = options.sync ?? true;
  const account = await chooseAccount(join(options.dir, "data"));
  const binaries = await findBinaries(account);
  const dir = await prepareDirectory(options.dir, account);
  const lock = await acquireOwnerLock(dir.root);
  const start = (until: AbortSignal | undefined): Promise<Postmaster> =>
    startPostmaster({ binaries, dir, socketDir, account, sync, log, signal: until });
  let socketDir: string;
  let password: string;
  let postmaster: Postmaster;
  try {
    socketDir = await prepareSocketDirectory(dir.root, account);
    await endLeftovers(dir, { binaries, socketDir, log });
    password = await ensureCluster({ dir, binaries, account, sync, signal });
    postmaster = await start(signal);
  } catch (error) {
    await lock.release();
    throw error;
  }
  log.debug({ dir: dir.root, version: binaries.version }, "built-in Postgres is ready");

  const stopping = new AbortController();
  const exited = keepAlive();
  async function keepAlive(): Promise<{ cause: Error | undefined }> {
    for (let failures = 0; ; ) {
      const startedAt = performance.now();
      const end = await postmaster.exited;
      if (stopping.signal.aborted) return { cause: undefined };
      if (performance.now() - startedAt > stableAfterMs) failures = 0;
      log.error({ ...end, failures }, "the built-in Postgres died; starting it again");
      try {
        failures += 1;
        if (failures > restartLimit) {
          throw new Error(
            `The built-in Postgres in ${dir.root} died ${failures} times in a row. Its log says why.`,
          );
        }
        await delay(50 * (failures - 1), undefined, { signal: stopping.signal });
        await endLeftovers(dir, { binaries, socketDir, log });
        postmaster = await start(stopping.signal);
        // Ready in the very moment in which `stop` ended the one before.
        if (stopping.signal.aborted) await postmaster.stop();
      } catch (error) {
        if (stopping.signal.aborted) return { cause: undefined };
        return { cause: error instanceof Error ? error : new Error(String(error)) };
      }
    }
  }

  return {
    url: toUrl(socketDir, password),
    connection: { host: socketDir, port: 5432, user: roleName, password, database: databaseName },
    exited,
    async stop() {
      stopping.abort();
      await postmaster.stop();
      await exited;
      if (!socketDir.startsWith(dir.root)) await rm(socketDir, { recursive: true, force: true });
      await lock.release();
    },
  };
}

/** The URL of the Postgres in `dir`, running or not, or null before its first start. */
export async function embeddedPostgresUrl(dir: string): Promise<string | null> {
  const root = await realpath(dir).catch(() => null);
  if (root === null) return null;
  const password = await readPassword(filesOf(root));
  return password === null ? null : toUrl(socketDirectory(root), password);
}

function toUrl(socketDir: string, password: string): string {
  return `postgres://${roleName}:${password}@/${databaseName}?host=${encodeURIComponent(socketDir)}&port=5432`;
}
