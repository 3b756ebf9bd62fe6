import { organizations } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { listOption } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command
    .addOption(
      listOption(
        "--default-org-member-roles <roles>",
        "roles that every member of the organization has, with commas between; empty for none",
      ),
    )
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption());
  command.action(async (options: { defaultOrgMemberRoles?: string[]; yes?: boolean }) => {
    const roles = options.defaultOrgMemberRoles;
    if (!roles) {
      throw new CliError("There is nothing to change.", { hint: "Give --default-org-member-roles." });
    }
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    await confirm(
      cli,
      options.yes,
      `Every member of ${organization.name} will have the roles: ${roles.join(", ") || "none"}. Go on?`,
    );
    await client.call(organizations.updateOrganization, {
      params: { organization: organization.id },
      body: { default_org_member_roles: roles },
    });
    cli.say(`Updated the organization ${cli.err.bold(organization.name)}.`);
  });
};
