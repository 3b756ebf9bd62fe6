import type { Logger } from "pino";

/** The part of a pino logger that embedded Postgres writes to. */
export type PostgresLog = Pick<Logger, "debug" | "info" | "warn" | "error">;
