import { organizations } from "@slipway/api/client";
import { Option } from "commander";
import type { Configure } from "../../command-tree.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<name>", "name of the new organization");
  command.addOption(new Option("-y, --yes", "accepted; nothing is asked").hideHelp());
  command.action(async (name: string) => {
    const client = await cli.client();
    const created = await client.call(organizations.createOrganization, { body: { name } });
    cli.print(`Organization ${created.name} (${created.id}) created.`);
  });
};
