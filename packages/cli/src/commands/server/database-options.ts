import { type Command, Option } from "commander";

export type AdminDatabaseOptions = { postgresUrl?: string; postgresConnectionAuth: string };

/** The options with which commands for administrators find the database. */
export function addDatabaseOptions(command: Command): void {
  command.addOption(
    new Option("--postgres-url <url>", "database (default: the built-in one)").env("CODER_PG_CONNECTION_URL"),
  );
  command.addOption(
    new Option("--postgres-connection-auth <kind>", "how to authenticate to it")
      .env("CODER_PG_CONNECTION_AUTH")
      .choices(["password", "awsiamrds"])
      .default("password"),
  );
}
