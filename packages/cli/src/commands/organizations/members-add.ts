import { members } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<username|user_id>", "the user to add").addOption(organizationOption());
  command.action(async (user: string) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    await client.call(members.addMember, { params: { organization: organization.id, user } });
    cli.say(`Added ${cli.err.bold(user)} to the organization ${organization.name}.`);
  });
};
