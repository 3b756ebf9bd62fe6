import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import { build, moment, waitForActiveBuild } from "../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command
    .option("--orphan", "drop the record and leave the resources as they are; for when they can't be removed")
    .option("-y, --yes", "do not ask");
  command.action(async (name: string, { orphan, yes }: { orphan?: boolean; yes?: boolean }) => {
    const client = await cli.client();
    const found = await fetchWorkspace(client, name);
    const fullName = `${found.owner_name}/${found.name}`;
    if (orphan) {
      cli.say(
        cli.err.yellow(
          `The resources of ${fullName} will go on existing, and costing; nothing will know of them.`,
        ),
      );
    }
    await confirm(cli, yes, `Confirm delete workspace ${fullName}?`);
    const workspace = await waitForActiveBuild(cli, client, found);
    await build(cli, client, workspace, { transition: "delete", ...(orphan ? { orphan: true } : {}) });
    cli.say(`\nThe ${cli.err.bold(fullName)} workspace has been deleted at ${moment()}!`);
  });
};
