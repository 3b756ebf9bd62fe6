import { users } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { listFormat, printList } from "../../output/format-list.ts";
import { defaultUserColumns, userColumns } from "./user-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, userColumns, defaultUserColumns);
  command.option("--github-user-id <id>", "only the user with this GitHub user id");
  command.action(async ({ githubUserId }: { githubUserId?: string }) => {
    const chosen = format();
    const client = await cli.client();
    const query = githubUserId ? { q: `github_com_user_id:${githubUserId}` } : {};
    const { users: found } = await client.call(users.getUsers, { query });
    printList(cli, chosen, found, "No users found.");
  });
};
