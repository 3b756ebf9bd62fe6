import { templateVersions } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { findTemplate, findVersion } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { confirm } from "../../prompt.ts";

/** `templates versions archive` and `unarchive`: the same but for the word. */
export function setArchived(verb: "archive" | "unarchive"): Configure {
  const route =
    verb === "archive" ? templateVersions.archiveTemplateVersion : templateVersions.unarchiveTemplateVersion;
  return (command, cli) => {
    command
      .argument("<template>", "the template")
      .argument("<versions...>", `names or ids of the versions to ${verb}`)
      .option("-y, --yes", "do not ask")
      .addOption(organizationOption());
    command.action(async (name: string, names: string[], { yes }: { yes?: boolean }) => {
      const client = await cli.client();
      const organization = await selectOrganization(client, command);
      const template = await findTemplate(client, organization, name);
      const versions = await Promise.all(names.map((one) => findVersion(client, template, one)));
      const list = versions.map((one) => one.name).join(", ");
      await confirm(cli, yes, `${verb === "archive" ? "Archive" : "Unarchive"} these versions: ${list}?`);
      for (const version of versions) {
        await client.call(route, { params: { templateversion: version.id } });
        cli.say(`Version ${cli.err.bold(version.name)} ${verb}d.`);
      }
    });
  };
}
