import { organizations } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { listFormat, printList } from "../../output/format-list.ts";
import { defaultOrganizationColumns, organizationColumns } from "./organization-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, organizationColumns, defaultOrganizationColumns);
  command.action(async () => {
    const chosen = format();
    const found = await (await cli.client()).call(organizations.getOrganizations);
    printList(cli, chosen, found, "No organizations found.");
  });
};
