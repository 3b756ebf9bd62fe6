import { workspaces } from "@slipway/api/client";
import { Argument } from "commander";
import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";
import { fetchWorkspace } from "../workspace-argument.ts";

type Policy = workspaces.AutomaticUpdates;

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME or OWNER/NAME")
    .addArgument(
      new Argument("<always|never>", "whether each start moves to the template's active version").choices([
        "always",
        "never",
      ]),
    )
    .option("-y, --yes", "do not ask");
  command.action(async (name: string, policy: Policy, { yes }: { yes?: boolean }) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    if (policy === "always") {
      await confirm(cli, yes, `${workspace.name} will be updated by itself whenever it starts. Go on?`);
    }
    await client.call(workspaces.updateAutomaticUpdates, {
      params: { workspace: workspace.id },
      body: { automatic_updates: policy },
    });
    cli.say(`Updated workspace ${cli.err.bold(workspace.name)} auto-update policy to "${policy}"`);
  });
};
