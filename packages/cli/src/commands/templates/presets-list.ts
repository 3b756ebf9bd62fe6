import { type parameters, templateVersions } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { findTemplate, findVersion } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";

const columns: Column<parameters.Preset>[] = [
  { name: "name", value: (one) => one.Name },
  { name: "description", value: (one) => one.Description },
  { name: "parameters", value: (one) => one.Parameters.map((it) => `${it.Name}=${it.Value}`).join(",") },
  { name: "default", value: (one) => String(one.Default) },
  { name: "desired prebuild instances", value: (one) => String(one.DesiredPrebuildInstances ?? "-") },
];

export const configure: Configure = (command, cli) => {
  const names = columns.map((column) => column.name);
  const format = listFormat(command, columns, names);
  command
    .argument("<template>", "the template")
    .option("--template-version <version>", "name or id of the version (default: the active one)")
    .addOption(organizationOption());
  command.action(async (name: string, { templateVersion }: { templateVersion?: string }) => {
    const chosen = format();
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplate(client, organization, name);
    const version = await findVersion(client, template, templateVersion ?? template.active_version_id);
    const presets = await client.call(templateVersions.getPresets, {
      params: { templateversion: version.id },
    });
    printList(
      cli,
      chosen,
      // Coder's command line wraps them so; its scripts look there.
      presets.map((one) => ({ ...one, TemplatePreset: one })),
      `No presets found for template "${template.name}" and version "${version.name}".`,
    );
  });
};
