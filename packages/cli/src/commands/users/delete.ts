import { ApiResponseError, users } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<username|user_id>", "the user to delete");
  command.option("-y, --yes", "do not ask");
  command.action(async (name: string, { yes }: { yes?: boolean }) => {
    const client = await cli.client();
    const user = await client.call(users.getUser, { params: { user: name } });
    await confirm(cli, yes, `Delete the user ${user.username} for good?`);
    try {
      await client.call(users.deleteUser, { params: { user: user.id } });
    } catch (err) {
      if (!(err instanceof ApiResponseError && err.status === 417)) throw err;
      throw new CliError(`${user.username} still owns workspaces.`, {
        hint: `Delete them first: ${cli.self} list --search owner:${user.username}`,
        cause: err,
      });
    }
    cli.say(`Successfully deleted ${cli.err.bold(user.username)}.`);
  });
};
