import { Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import type { Logger } from "pino";
import {
  defaultSilenceLimits,
  dropSilentConnections,
  type SilenceLimits,
} from "./drop-silent-connections.ts";
import type { Database } from "./schema.ts";

export type Db = Kysely<Database>;
export type Tx = Transaction<Database>;

export type DbOptions = {
  url: string;
  maxOpen?: number;
  /** Connections kept although nobody uses them. */
  maxIdle?: number;
  statementTimeoutMs?: number;
  silenceLimits?: SilenceLimits;
  log?: Logger;
};

/**
 * Opens the pool. Nothing connects before the first query; `db.destroy()` closes it.
 *
 * `bigint` is read as a number: our counts, sizes and milliseconds stay far below 2^53.
 */
export function createDb(options: DbOptions): Db {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: "slipway",
    max: options.maxOpen ?? 10,
    min: options.maxIdle ?? 0,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementTimeoutMs,
    // Postgres keeps the first limit; this one is the last resort for a Postgres that does not answer any more.
    query_timeout: statementTimeoutMs + 5_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    types: columnTypes,
  });
  // An idle connection that breaks is no error of anyone's request; unheard, it would end the process.
  pool.on("error", (err) => options.log?.warn({ err }, "an idle database connection was lost"));
  // One that breaks in the middle of a transaction fails that; its event, unheard, would end the process too.
  pool.on("connect", (client) => client.on("error", () => {}));
  dropSilentConnections(pool, {
    url: options.url,
    log: options.log,
    limits: options.silenceLimits ?? defaultSilenceLimits,
  });
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

const int8 = 20;

/** How column values become JavaScript values, for pools and single connections alike. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === int8 && format !== "binary") return Number;
    // The overloads of pg's own function separate the formats that this one passes through.
    return pg.types.getTypeParser(oid, format as "text");
  },
};
