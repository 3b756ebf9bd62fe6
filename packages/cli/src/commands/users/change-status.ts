import { users } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { listFormat } from "../../output/format-list.ts";
import { confirm } from "../../prompt.ts";
import { defaultUserColumns, userColumns } from "./user-columns.ts";

/** `users suspend` and `users activate`: the same but for the word. */
export function changeStatus(verb: "suspend" | "activate"): Configure {
  const route = verb === "suspend" ? users.suspendUser : users.activateUser;
  const done = verb === "suspend" ? "suspended" : "activated";
  return (command, cli) => {
    const format = listFormat(command, userColumns, defaultUserColumns);
    command.argument("<username|user_id>", `the user to ${verb}`);
    command.option("-y, --yes", "do not ask");
    command.action(async (name: string, { yes }: { yes?: boolean }) => {
      const chosen = format();
      const client = await cli.client();
      const user = await client.call(users.getUser, { params: { user: name } });
      if (!chosen.isJson) cli.print(chosen.print([user]));
      await confirm(cli, yes, `Are you sure you want to ${verb} ${user.username}?`);
      const changed = await client.call(route, { params: { user: user.id } });
      if (chosen.isJson) cli.print(chosen.print([changed]));
      cli.say(`\nUser ${cli.err.bold(user.username)} has been ${done}!`);
    });
  };
}
