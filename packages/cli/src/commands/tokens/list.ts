import { apiKeys } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { listFormat, printList } from "../../output/format-list.ts";
import { allTokenColumns, tokenColumns } from "./token-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(
    command,
    tokenColumns,
    allTokenColumns.filter((name) => name !== "owner"),
  );
  command.option("-a, --all", "the tokens of all users (owners only); shows the owner too");
  command.option("--include-expired", "tokens that have expired, too");
  command.action(async ({ all, includeExpired }: { all?: boolean; includeExpired?: boolean }) => {
    const chosen = format(all ? allTokenColumns : undefined);
    const client = await cli.client();
    const tokens = await client.call(apiKeys.getTokens, {
      params: { user: "me" },
      query: { include_all: Boolean(all), include_expired: Boolean(includeExpired) },
    });
    printList(cli, chosen, tokens, `No tokens found. Make one: ${cli.self} tokens create`);
  });
};
