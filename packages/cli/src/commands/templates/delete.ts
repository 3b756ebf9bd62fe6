import { templates } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplate } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { askChoices, confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("[names...]", "the templates to delete")
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption());
  command.action(async (given: string[], { yes }: { yes?: boolean }) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const all = await client.call(templates.getOrganizationTemplates, {
      params: { organization: organization.id },
    });
    const names =
      given.length > 0
        ? given
        : await askChoices(cli, {
            message: "Templates to delete",
            flag: "the names, as in: coder templates delete NAME",
            options: all.map((one) => ({ value: one.name, label: one.name })),
          });
    if (names.length === 0) throw new CliError("No template was chosen.");
    const chosen = await Promise.all(names.map((name) => findTemplate(client, organization, name)));
    await confirm(cli, yes, `Delete these templates: ${chosen.map((one) => one.name).join(", ")}?`);
    for (const template of chosen) {
      await client.call(templates.deleteTemplate, { params: { template: template.id } });
      cli.say(`Deleted template ${cli.err.bold(template.name)}!`);
    }
  });
};
