import { users } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { type Column, listFormat } from "../../output/format-list.ts";
import { userColumns } from "./user-columns.ts";

type Shown = users.User & { organizations: string[] };

const columns: Column<Shown>[] = [
  ...userColumns,
  { name: "roles", value: (user) => user.roles.map((role) => role.display_name || role.name).join(", ") },
  { name: "organizations", value: (user) => user.organizations.join(", ") },
];

const names = ["id", "username", "name", "email", "status", "created at", "roles", "organizations"];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, names);
  command.argument("<username|user_id|me>", "the user to show");
  command.action(async (user: string) => {
    const chosen = format();
    const client = await cli.client();
    const [found, organizations] = await Promise.all([
      client.call(users.getUser, { params: { user } }),
      client.call(users.getUserOrganizations, { params: { user } }),
    ]);
    cli.print(chosen.print([{ ...found, organizations: organizations.map((one) => one.name) }], found));
  });
};
