import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { askSecret } from "../../prompt.ts";
import { type AdminDatabaseOptions, addDatabaseOptions } from "./database-options.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<username>", "whose password");
  addDatabaseOptions(command);
  command.addHelpText("after", "\nThe password is asked for, or read from stdin where that is no terminal.");
  command.action(async (username: string, options: AdminDatabaseOptions) => {
    const password = await newPassword();
    const [{ AccountError, resetPassword }, { openAdminDatabase }] = await Promise.all([
      import("@slipway/server"),
      import("./admin-database.ts"),
    ]);
    const database = await openAdminDatabase(cli, options);
    try {
      await resetPassword({ databaseUrl: database.url, username, password });
      cli.say(`The password of ${username} was changed, and the sessions of before have ended.`);
    } catch (err) {
      if (err instanceof AccountError) throw new CliError(err.message, { cause: err });
      throw err;
    } finally {
      await database.close();
    }
  });

  async function newPassword(): Promise<string> {
    if (!cli.interactive) {
      let text = "";
      for await (const chunk of cli.stdin) text += String(chunk);
      const [line = ""] = text.split("\n");
      if (line === "")
        throw new CliError("There is no password on stdin.", { hint: "Pipe it in, as one line." });
      return line;
    }
    const ask = { flag: "the password on stdin" };
    const password = await askSecret(cli, { ...ask, message: "New password" });
    await askSecret(cli, {
      ...ask,
      message: "The same password again",
      validate: (value) => (value === password ? undefined : "The passwords differ."),
    });
    return password;
  }
};
