import { users } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { type Column, listFormat } from "../output/format-list.ts";

type Me = { url: string; username: string; id: string; organizations: string[]; roles: string[] };

const columns: Column<Me>[] = [
  { name: "url", value: (me) => me.url },
  { name: "username", value: (me) => me.username },
  { name: "id", value: (me) => me.id },
  { name: "orgs", value: (me) => me.organizations.join(" ") },
  { name: "roles", value: (me) => me.roles.join(" ") },
];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, ["url", "username", "id"], {
    extraFormats: ["text"],
    initial: "text",
  });
  command.action(async () => {
    const client = await cli.client();
    const [me, organizations] = await Promise.all([
      client.call(users.getUser, { params: { user: "me" } }),
      client.call(users.getUserOrganizations, { params: { user: "me" } }),
    ]);
    const shown: Me = {
      url: client.url,
      username: me.username,
      id: me.id,
      organizations: organizations.map((one) => one.name),
      roles: me.roles.map((role) => role.name),
    };
    const chosen = format();
    // Scripts look for these words, and for these names.
    if (chosen.output === "text")
      cli.print(`Coder is running at ${shown.url}, You're authenticated as ${shown.username} !`);
    else
      cli.print(chosen.print([shown], [{ ...shown, user_id: me.id, organization_ids: me.organization_ids }]));
  });
};
