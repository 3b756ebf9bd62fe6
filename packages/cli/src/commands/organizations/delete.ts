import { organizations } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<name|id>", "the organization to delete");
  command.option("-y, --yes", "do not ask");
  command.action(async (name: string, { yes }: { yes?: boolean }) => {
    const client = await cli.client();
    const found = await client.call(organizations.getOrganization, { params: { organization: name } });
    await confirm(cli, yes, `Are you sure you want to delete the organization ${found.name}?`);
    await client.call(organizations.deleteOrganization, { params: { organization: found.id } });
    cli.say(`Organization ${cli.err.bold(found.name)} deleted.`);
  });
};
