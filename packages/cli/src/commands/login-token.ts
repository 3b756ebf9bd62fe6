import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";

export const configure: Configure = (command, cli) => {
  command.action(async () => {
    const token = await cli.token();
    if (!token)
      throw new CliError("You are not logged in.", {
        hint: `Try logging in using '${cli.self} login <url>'.`,
      });
    cli.print(token);
  });
};
