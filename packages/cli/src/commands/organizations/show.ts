import { type Client, organizations, users } from "@slipway/api/client";
import type { Command } from "commander";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { listFormat, printList } from "../../output/format-list.ts";
import { defaultOrganizationColumns, organizationColumns } from "./organization-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, organizationColumns, defaultOrganizationColumns, {
    extraFormats: ["text"],
    initial: "text",
  });
  command
    .argument("[selected|me|uuid|name]", "which to show: the selected one, all of one's own, or one by name")
    .option("--only-id", "print the id alone")
    .addOption(organizationOption());
  command.action(async (which = "selected", { onlyId }: { onlyId?: boolean }) => {
    const chosen = format();
    const shown = await find(await cli.client(), command, which);
    if (onlyId) cli.print(shown.map((one) => one.id).join("\n"));
    else if (chosen.output === "text") {
      for (const one of shown) cli.print(`${one.display_name || one.name} (${one.id})`);
    } else printList(cli, chosen, shown, "You belong to no organization.");
  });
};

async function find(client: Client, command: Command, which: string): Promise<organizations.Organization[]> {
  if (which === "selected") return [await selectOrganization(client, command)];
  if (which === "me") return client.call(users.getUserOrganizations, { params: { user: "me" } });
  return [await client.call(organizations.getOrganization, { params: { organization: which } })];
}
