import { DataDirectoryInUseError, embeddedPostgresUrl, loadConfig, type ServerConfig } from "@slipway/server";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import { createLog } from "./create-log.ts";
import type { AdminDatabaseOptions } from "./database-options.ts";
import { keyFile, type OpenDatabase, openDatabase, postgresDir } from "./open-database.ts";

/**
 * Opens the database beside the server: the one that is named, or the built-in one, which is started unless a server
 * runs it just now.
 */
export async function openAdminDatabase(
  cli: Cli,
  options: AdminDatabaseOptions,
): Promise<OpenDatabase & { config: ServerConfig }> {
  if (options.postgresConnectionAuth !== "password") {
    throw new CliError("--postgres-connection-auth=awsiamrds is not supported.", {
      hint: "Use a URL with a password.",
    });
  }
  const flags = options.postgresUrl ? { postgresUrl: options.postgresUrl } : {};
  const { config } = loadConfig({ flags, env: cli.env, yaml: undefined });
  const { log } = createLog({
    logHuman: cli.globals.verbose ? "/dev/stderr" : "",
    logJson: "",
    logStackdriver: "",
    logFilter: [],
    verbose: cli.globals.verbose,
  });
  try {
    return { ...(await openDatabase(cli, config, log, cli.signal)), config };
  } catch (err) {
    if (!(err instanceof DataDirectoryInUseError)) throw err;
    const url = await embeddedPostgresUrl(postgresDir(cli));
    if (url === null) throw err;
    return { url, keyFile: keyFile(cli), close: async () => {}, config };
  }
}
