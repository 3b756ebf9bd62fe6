import { CliError } from "../../../cli-error.ts";
import type { Configure } from "../../../command-tree.ts";
import { confirm } from "../../../prompt.ts";
import { type AdminDatabaseOptions, addDatabaseOptions } from "../database-options.ts";
import { addKeysOption, withDatabase } from "./key-options.ts";

type DecryptFlags = AdminDatabaseOptions & { keys?: string[]; yes?: boolean };

/** Secrets never lie in clear: "decrypt" means that no key needs to be configured any more. */
export const configure: Configure = (command, cli) => {
  addDatabaseOptions(command);
  // Another name than the server's, so that nobody gives up encryption by a variable that was there anyway.
  addKeysOption(
    command,
    "--keys <keys>",
    "CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS",
    "keys that encrypt until now",
  );
  command.option("-y, --yes", "do not ask");
  command.action(async (flags: DecryptFlags) => {
    const { returnToKeyFile } = await import("@slipway/server");
    await withDatabase(cli, flags, async ({ url, keyFile }) => {
      if (keyFile === undefined) {
        throw new CliError(
          "Secrets in a Postgres of your own are always encrypted with a key that you hold.",
          {
            hint: `To change the key: ${cli.self} server dbcrypt rotate`,
          },
        );
      }
      await confirm(cli, flags.yes, `Encrypt all secrets with the key in ${keyFile}?`);
      const { values } = await returnToKeyFile({
        databaseUrl: url,
        keyFile,
        configured: flags.keys ?? [],
        signal: cli.signal,
        onProgress: (table, count) => cli.say(`${table}: ${count}`),
      });
      cli.say(`${values} secrets were encrypted with the key in ${keyFile}. No key needs to be configured.`);
    });
  });
};
