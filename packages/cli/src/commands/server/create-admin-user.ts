import { Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { askSecret, askText } from "../../prompt.ts";
import { type AdminDatabaseOptions, addDatabaseOptions } from "./database-options.ts";

type CreateAdminUserOptions = AdminDatabaseOptions & {
  sshKeygenAlgorithm: "ed25519" | "ecdsa" | "rsa4096";
  username?: string;
  email?: string;
  password?: string;
  rawUrl?: boolean;
};

export const configure: Configure = (command, cli) => {
  addDatabaseOptions(command);
  command.addOption(
    new Option("--ssh-keygen-algorithm <algorithm>", "kind of the user's Git SSH key")
      .env("CODER_SSH_KEYGEN_ALGORITHM")
      .choices(["ed25519", "ecdsa", "rsa4096"])
      .default("ed25519"),
  );
  command.addOption(new Option("--username <name>", "name of the new user").env("CODER_USERNAME"));
  command.addOption(new Option("--email <address>", "e-mail address of the new user").env("CODER_EMAIL"));
  command.addOption(new Option("--password <password>", "password of the new user").env("CODER_PASSWORD"));
  command.option("--raw-url", "accepted; no URL of the database is printed");
  command.action(async (options: CreateAdminUserOptions) => {
    const username = options.username ?? (await askText(cli, { message: "Username", flag: "--username" }));
    const email = options.email ?? (await askText(cli, { message: "E-mail address", flag: "--email" }));
    const password = options.password ?? (await askSecret(cli, { message: "Password", flag: "--password" }));
    const [{ AccountError, createAdminUser, KeyringError }, { openAdminDatabase }] = await Promise.all([
      import("@slipway/server"),
      import("./admin-database.ts"),
    ]);
    const database = await openAdminDatabase(cli, options);
    try {
      const { id } = await createAdminUser({
        databaseUrl: database.url,
        username,
        email,
        password,
        sshKeyAlgorithm: options.sshKeygenAlgorithm,
        encryptionKeys: database.config.externalTokenEncryptionKeys,
        keyFile: database.keyFile,
      });
      cli.say(`The user ${username} <${email}> was made, as an owner of the deployment.`);
      cli.print(id);
    } catch (err) {
      if (err instanceof AccountError || err instanceof KeyringError)
        throw new CliError(err.message, { cause: err });
      throw err;
    } finally {
      await database.close();
    }
  });
};
