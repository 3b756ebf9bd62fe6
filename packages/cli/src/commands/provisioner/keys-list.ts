import { provisionerKeys } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";
import { tagsText } from "../../output/tags-text.ts";

const columns: Column<provisionerKeys.ProvisionerKey>[] = [
  { name: "created at", value: (key) => key.created_at },
  { name: "name", value: (key) => key.name },
  { name: "tags", value: (key) => tagsText(key.tags) },
  { name: "last used", value: (key) => key.last_used_at ?? "never" },
  { name: "expires at", value: (key) => key.expires_at ?? "never" },
  { name: "old secret until", value: (key) => key.previous_secret_expires_at ?? "" },
  { name: "id", value: (key) => key.id },
];

const defaults = ["created at", "name", "tags", "last used", "expires at"];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, defaults);
  command.addOption(organizationOption());
  command.action(async () => {
    const chosen = format();
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const found = await client.call(provisionerKeys.getProvisionerKeys, {
      params: { organization: organization.id },
    });
    printList(cli, chosen, found, "No provisioner keys found.");
  });
};
