import type { Configure } from "../command-tree.ts";
import { resourceTree } from "../output/resource-tree.ts";
import { fetchWorkspace } from "../workspace-argument.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command.option("--details", "with the metadata of resources");
  command.action(async (name: string, { details }: { details?: boolean }) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    const { latest_build: build } = workspace;
    const shown = name.includes("/") ? `${workspace.owner_name}/${workspace.name}` : workspace.name;
    cli.say(
      `${cli.err.bold(`${workspace.owner_name}/${workspace.name}`)}: ${build.status}, template ${workspace.template_name}, version ${build.template_version_name}${workspace.outdated ? cli.err.yellow(" (outdated)") : ""}`,
    );
    const tree = resourceTree(build.resources, cli.out, { workspace: shown, details: Boolean(details) });
    if (tree) cli.print(tree);
    else
      cli.say(
        build.status === "stopped"
          ? `It has no resources. Start it: ${cli.self} start ${shown}`
          : "It has no resources.",
      );
  });
};
