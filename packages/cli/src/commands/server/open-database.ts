import { join } from "node:path";
import { type ServerConfig, startEmbeddedPostgres } from "@slipway/server";
import type { Logger } from "pino";
import type { Cli } from "../../cli.ts";

export type OpenDatabase = {
  url: string;
  /** Where the key for secrets is kept when none is configured; only beside our own Postgres. */
  keyFile: string | undefined;
  close(): Promise<void>;
};

/** Directory of the built-in Postgres, in the configuration directory. */
export function postgresDir(cli: Cli): string {
  return join(cli.config.path, "postgres");
}

/** Where a key for secrets is kept beside the built-in Postgres. */
export function keyFile(cli: Cli): string {
  return join(cli.config.path, "encryption.key");
}

/** The database that the settings name, or the built-in one. */
export async function openDatabase(
  cli: Cli,
  config: Pick<ServerConfig, "postgresUrl">,
  log: Logger,
  signal: AbortSignal,
): Promise<OpenDatabase> {
  if (config.postgresUrl) return { url: config.postgresUrl, keyFile: undefined, close: async () => {} };
  await cli.config.prepare();
  cli.say(`Using the built-in Postgres in ${postgresDir(cli)}`);
  const postgres = await startEmbeddedPostgres({
    dir: postgresDir(cli),
    log: log.child({ logger: "postgres" }),
    signal,
  });
  return {
    url: postgres.url,
    keyFile: keyFile(cli),
    close: () => postgres.stop(),
  };
}
