import type { Configure } from "../../command-tree.ts";
import { listFormat } from "../../output/format-list.ts";
import { findToken } from "./find-token.ts";
import { allTokenColumns, tokenColumns } from "./token-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, tokenColumns, allTokenColumns);
  command.argument("<name|id>", "the token to show");
  command.action(async (name: string) => {
    const chosen = format();
    const token = await findToken(await cli.client(), name);
    cli.print(chosen.print([token], token));
  });
};
