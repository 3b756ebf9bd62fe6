import { templateVersions } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { findTemplate } from "../../find-template.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";

type Row = templateVersions.TemplateVersion & { active: boolean };

const columns: Column<Row>[] = [
  { name: "id", value: (one) => one.id },
  { name: "name", value: (one) => one.name },
  { name: "created at", value: (one) => one.created_at },
  { name: "created by", value: (one) => one.created_by.username },
  { name: "status", value: (one) => capitalized(one.job.status) },
  { name: "active", value: (one) => (one.active ? "Active" : "") },
  { name: "archived", value: (one) => (one.archived ? "Archived" : "") },
];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, ["name", "created at", "created by", "status", "active"]);
  command
    .argument("<template>", "the template")
    .option("--include-archived", "archived versions too")
    .addOption(organizationOption());
  command.action(async (name: string, { includeArchived }: { includeArchived?: boolean }) => {
    const chosen = format(includeArchived ? columns.map((one) => one.name).slice(1) : undefined);
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplate(client, organization, name);
    const versions = await client.call(templateVersions.getTemplateVersions, {
      params: { template: template.id },
      query: { include_archived: Boolean(includeArchived) },
    });
    // Coder's command line wraps them so; its scripts look there.
    const rows = versions.map((one) => ({
      ...one,
      active: one.id === template.active_version_id,
      TemplateVersion: one,
    }));
    printList(cli, chosen, rows, "The template has no versions.");
  });
};

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
