import { ApiResponseError, users } from "@slipway/api/client";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";

export const configure: Configure = (command, cli) => {
  command.option("-y, --yes", "do not ask");
  command.action(async ({ yes }: { yes?: boolean }) => {
    const url = await cli.config.read("url");
    if (!url)
      throw new CliError("You are not logged in.", {
        hint: `Try logging in using '${cli.self} login <url>'.`,
      });
    await confirm(cli, yes, "Are you sure you want to log out?");
    try {
      await (await cli.client()).call(users.logout);
    } catch (err) {
      // A session that the server does not know any more has ended already; the files go all the same.
      if (!(err instanceof ApiResponseError && err.status === 401))
        cli.say(`The server was not told: ${(err as Error).message}`);
    }
    await cli.config.remove("session");
    await cli.config.remove("url");
    cli.say("You are no longer logged in. You can log in using 'coder login <url>'.");
  });
};
