import { members, type roles } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";

const count = (permissions: readonly roles.Permission[]) => `${permissions.length} permissions`;

const columns: Column<roles.AssignableRole>[] = [
  { name: "name", value: (role) => role.name },
  { name: "display name", value: (role) => role.display_name },
  { name: "organization id", value: (role) => role.organization_id ?? "" },
  { name: "site permissions", value: (role) => count(role.site_permissions) },
  { name: "organization permissions", value: (role) => count(role.organization_permissions) },
  { name: "user permissions", value: (role) => count(role.user_permissions) },
];

export const configure: Configure = (command, cli) => {
  const names = columns.map((column) => column.name).filter((name) => name !== "organization id");
  const format = listFormat(command, columns, names);
  command.argument("[names...]", "the roles to show (default: all)").addOption(organizationOption());
  command.action(async (wanted: string[]) => {
    const chosen = format();
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const all = await client.call(members.getOrganizationRoles, {
      params: { organization: organization.id },
    });
    const lower = wanted.map((name) => name.toLowerCase());
    const shown = wanted.length === 0 ? all : all.filter((role) => lower.includes(role.name.toLowerCase()));
    printList(cli, chosen, shown, "No such roles.");
  });
};
