import { type Command, Option } from "commander";
import type { Cli } from "../../../cli.ts";
import { CliError } from "../../../cli-error.ts";
import { openAdminDatabase } from "../admin-database.ts";
import type { AdminDatabaseOptions } from "../database-options.ts";
import type { OpenDatabase } from "../open-database.ts";

/** Declares an option that takes keys; the variable is the better place for them. */
export function addKeysOption(command: Command, flags: string, env: string, description: string): void {
  command.addOption(new Option(flags, description).env(env).argParser(splitKeys));
}

const splitKeys = (text: string) =>
  text
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");

/** Opens the database for `work` and closes it again; what the keys cannot do is an error that says so. */
export async function withDatabase<T>(
  cli: Cli,
  options: AdminDatabaseOptions,
  work: (database: OpenDatabase & { configured: readonly string[] }) => Promise<T>,
): Promise<T> {
  const { KeyringError } = await import("@slipway/server");
  const database = await openAdminDatabase(cli, options);
  try {
    return await work({ ...database, configured: database.config.externalTokenEncryptionKeys });
  } catch (err) {
    throw err instanceof KeyringError ? new CliError(err.message, { cause: err }) : err;
  } finally {
    await database.close();
  }
}
