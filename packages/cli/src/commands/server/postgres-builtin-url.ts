import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";

export const configure: Configure = (command, cli) => {
  command.option("--raw-url", "print the URL alone");
  command.action(async ({ rawUrl }: { rawUrl?: boolean }) => {
    const [{ embeddedPostgresUrl }, { postgresDir }] = await Promise.all([
      import("@slipway/server"),
      import("./open-database.ts"),
    ]);
    const url = await embeddedPostgresUrl(postgresDir(cli));
    if (url === null) {
      throw new CliError(`There is no built-in Postgres in ${postgresDir(cli)}.`, {
        hint: "The server makes it when it starts for the first time.",
      });
    }
    cli.print(rawUrl ? url : `psql "${url}"`);
  });
};
