import { apiKeys } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { findToken } from "./find-token.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<name|id|token>", "the token to end");
  command.option("--delete", "delete the record too, instead of letting the token expire now");
  command.action(async (name: string, options: { delete?: boolean }) => {
    const client = await cli.client();
    const token = await findToken(client, name);
    const params = { user: token.user_id, keyid: token.id };
    await client.call(options.delete ? apiKeys.deleteKey : apiKeys.expireKey, { params });
    cli.say(options.delete ? "Token has been deleted." : "Token has been expired.");
  });
};
