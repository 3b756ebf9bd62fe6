import { workspaces } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";
import { fetchWorkspace } from "../workspace-argument.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME").argument("<new-name>", "the name from now on");
  command.option("-y, --yes", "do not ask");
  command.action(async (name: string, newName: string, { yes }: { yes?: boolean }) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    cli.say(
      cli.err.yellow(
        "A rename can lose data: resources that the template names after the workspace, such as home volumes, are made anew by the next build.",
      ),
    );
    await confirm(cli, yes, `Rename ${workspace.owner_name}/${workspace.name} to ${newName}?`);
    await client.call(workspaces.updateWorkspace, {
      params: { workspace: workspace.id },
      body: { name: newName },
    });
    cli.say(`Workspace ${cli.err.bold(workspace.name)} renamed to ${cli.err.bold(newName)}`);
  });
};
