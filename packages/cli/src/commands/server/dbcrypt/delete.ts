import type { Configure } from "../../../command-tree.ts";
import { confirm } from "../../../prompt.ts";
import { type AdminDatabaseOptions, addDatabaseOptions } from "../database-options.ts";
import { withDatabase } from "./key-options.ts";

export const configure: Configure = (command, cli) => {
  addDatabaseOptions(command);
  command.option("-y, --yes", "do not ask");
  command.addHelpText(
    "after",
    "\nDeletes what none of the keys in CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS (or beside the built-in Postgres) decrypts:\n" +
      "for keys that are lost. Workspaces whose state goes leave their machines behind.",
  );
  command.action(async (flags: AdminDatabaseOptions & { yes?: boolean }) => {
    const { countLost, deleteLost } = await import("@slipway/server");
    await withDatabase(cli, flags, async ({ url, keyFile, configured }) => {
      const source = { databaseUrl: url, keyFile, configured };
      const lost = (await countLost(source)).filter(({ values }) => values > 0);
      for (const { table, values } of lost) cli.say(`${table}: ${values}`);
      if (lost.length === 0) cli.say("Nothing is encrypted with a key that is missing.");
      else await confirm(cli, flags.yes, "Delete these secrets for good?");
      await deleteLost(source);
      if (lost.length > 0) cli.say("They are deleted.");
    });
  });
};
