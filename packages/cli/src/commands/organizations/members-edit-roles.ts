import { members } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<username|user_id>", "the member")
    .argument("[roles...]", "the roles that the member has from now on; none takes all away")
    .addOption(organizationOption());
  command.action(async (user: string, roles: string[]) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const params = { organization: organization.id };
    const available = await client.call(members.getOrganizationRoles, { params });
    const names = available.map((role) => role.name).filter((name) => name !== "organization-member");
    const unknown = roles.find((role) => !names.includes(role));
    if (unknown !== undefined) {
      throw new CliError(`The role "${unknown}" does not exist.`, { hint: `Roles: ${names.join(", ")}.` });
    }
    await client.call(members.updateMemberRoles, { params: { ...params, user }, body: { roles } });
    cli.say(`Updated the roles of ${cli.err.bold(user)} in the organization ${organization.name}.`);
  });
};
