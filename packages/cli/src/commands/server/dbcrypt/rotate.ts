import type { Configure } from "../../../command-tree.ts";
import { confirm } from "../../../prompt.ts";
import { type AdminDatabaseOptions, addDatabaseOptions } from "../database-options.ts";
import { addKeysOption, withDatabase } from "./key-options.ts";

type RotateFlags = AdminDatabaseOptions & { newKey?: string[]; oldKeys?: string[]; yes?: boolean };

export const configure: Configure = (command, cli) => {
  addDatabaseOptions(command);
  addKeysOption(
    command,
    "--new-key <key>",
    "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY",
    "key that encrypts from now on (default: the first of CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS)",
  );
  addKeysOption(
    command,
    "--old-keys <keys>",
    "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_OLD_KEYS",
    "former keys (default: those of CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS)",
  );
  command.option("-y, --yes", "do not ask");
  command.addHelpText(
    "after",
    "\nWith the built-in Postgres and no key given, the key in the configuration directory is replaced by a new one.",
  );
  command.action(async (flags: RotateFlags) => {
    const { rotateKeys } = await import("@slipway/server");
    await withDatabase(cli, flags, async ({ url, keyFile, configured }) => {
      await confirm(cli, flags.yes, "Encrypt all secrets in the database with the new key?");
      const { keyId, values } = await rotateKeys({
        databaseUrl: url,
        keyFile,
        configured: [...(flags.newKey ?? []), ...(flags.oldKeys ?? []), ...configured],
        signal: cli.signal,
        onProgress: (table, count) => cli.say(`${table}: ${count}`),
      });
      cli.say(`All secrets are encrypted with the key ${keyId}: ${values} were, just now.`);
      cli.say("No other key is needed any more, but with backups from before.");
    });
  });
};
