import { Option } from "commander";
import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import { build, type ClientReason, clientReasons, moment, waitForActiveBuild } from "../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command.option("-y, --yes", "do not ask");
  command.addOption(
    new Option("--reason <reason>", "what the stop is for").choices(clientReasons).hideHelp(),
  );
  command.action(async (name: string, options: { yes?: boolean; reason?: ClientReason }) => {
    const client = await cli.client();
    const found = await fetchWorkspace(client, name);
    await confirm(cli, options.yes, `Confirm stop workspace ${found.name}?`);
    const workspace = await waitForActiveBuild(cli, client, found);
    await build(cli, client, workspace, {
      transition: "stop",
      ...(options.reason ? { reason: options.reason } : {}),
    });
    cli.say(`\nThe ${cli.err.bold(workspace.name)} workspace has been stopped at ${moment()}!`);
  });
};
