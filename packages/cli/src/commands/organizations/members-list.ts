import { members } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";

const columns: Column<members.OrganizationMemberWithUserData>[] = [
  { name: "username", value: (one) => one.username },
  { name: "name", value: (one) => one.name ?? "" },
  { name: "last seen at", value: (one) => one.last_seen_at ?? "" },
  { name: "user created at", value: (one) => one.user_created_at },
  { name: "user updated at", value: (one) => one.user_updated_at },
  { name: "user id", value: (one) => one.user_id },
  { name: "organization id", value: (one) => one.organization_id },
  { name: "created at", value: (one) => one.created_at },
  { name: "updated at", value: (one) => one.updated_at },
  {
    name: "organization roles",
    value: (one) => one.roles.map((role) => role.display_name || role.name).join(", "),
  },
];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, ["username", "organization roles"]);
  command.addOption(organizationOption());
  command.action(async () => {
    const chosen = format();
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const found = await client.call(members.getMembers, { params: { organization: organization.id } });
    printList(cli, chosen, found, "The organization has no members.");
  });
};
