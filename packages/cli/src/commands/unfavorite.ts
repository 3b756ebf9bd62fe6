import { workspaces } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { fetchWorkspace } from "../workspace-argument.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command.action(async (name: string) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    await client.call(workspaces.unfavoriteWorkspace, { params: { workspace: workspace.id } });
    cli.say(`Workspace ${cli.err.bold(workspace.name)} removed from favorites.`);
  });
};
