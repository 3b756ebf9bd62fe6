import { templates, templateVersions } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplate } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { askChoices, confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("[names...]", "the templates whose unused versions to archive")
    .option("--all", "every version that is not in use, not only failed ones")
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption());
  command.action(async (given: string[], { all, yes }: { all?: boolean; yes?: boolean }) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const names = given.length > 0 ? given : await ask();
    if (names.length === 0) throw new CliError("No template was chosen.");
    const chosen = await Promise.all(names.map((name) => findTemplate(client, organization, name)));
    const which = all ? "all unused versions" : "the failed versions";
    await confirm(cli, yes, `Archive ${which} of: ${chosen.map((one) => one.name).join(", ")}?`);
    for (const template of chosen) {
      const { archived_ids } = await client.call(templateVersions.archiveTemplateVersions, {
        params: { template: template.id },
        body: { all: Boolean(all) },
      });
      cli.say(`Archived ${archived_ids.length} versions from ${cli.err.bold(template.name)}.`);
    }

    async function ask(): Promise<string[]> {
      const inReach = await client.call(templates.getOrganizationTemplates, {
        params: { organization: organization.id },
      });
      return askChoices(cli, {
        message: "Templates",
        flag: "the names, as in: coder templates archive NAME",
        options: inReach.map((one) => ({ value: one.name, label: one.name })),
      });
    }
  });
};
