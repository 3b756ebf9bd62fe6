import { templateVersions } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { findTemplate, findVersion } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";

export const configure: Configure = (command, cli) => {
  command
    .requiredOption("-t, --template <name>", "the template")
    .requiredOption("-v, --template-version <version>", "name or id of the version to make the active one")
    .addOption(organizationOption());
  command.action(async (options: { template: string; templateVersion: string }) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplate(client, organization, options.template);
    const version = await findVersion(client, template, options.templateVersion);
    await client.call(templateVersions.updateActiveTemplateVersion, {
      params: { template: template.id },
      body: { id: version.id },
    });
    cli.say(`Successfully promoted version ${cli.err.bold(version.name)} of ${template.name}.`);
  });
};
