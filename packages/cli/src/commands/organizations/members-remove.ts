import { members } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<username|user_id>", "the user to remove").addOption(organizationOption());
  command.action(async (user: string) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    await client.call(members.removeMember, { params: { organization: organization.id, user } });
    cli.say(`Removed ${cli.err.bold(user)} from the organization ${organization.name}.`);
  });
};
