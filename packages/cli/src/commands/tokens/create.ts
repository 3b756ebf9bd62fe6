import { apiKeys } from "@slipway/api/client";
import { Option } from "commander";
import type { Configure } from "../../command-tree.ts";
import { listOption, readDuration } from "../../options.ts";
import { textFormat } from "../../output/format-list.ts";

type CreateOptions = { lifetime?: string; name?: string; user: string; scope?: string[]; allow?: string[] };

export const configure: Configure = (command, cli) => {
  command
    .addOption(
      new Option(
        "--lifetime <duration>",
        "how long the token is good, such as 8h, 30d, 1y or 1d12h30m (default: the server's)",
      ).env("CODER_TOKEN_LIFETIME"),
    )
    .addOption(new Option("-n, --name <name>", "name of the token").env("CODER_TOKEN_NAME"))
    .addOption(
      new Option("-u, --user <user>", "make the token for another user, such as a service account")
        .env("CODER_TOKEN_USER")
        .default("me"),
    )
    .addOption(listOption("--scope <scope>", "what the token may do, such as workspace:read (repeatable)"))
    .addOption(listOption("--allow <type:uuid>", "restrict the token to a resource (repeatable)"));
  const format = textFormat(command);
  command.action(async (options: CreateOptions) => {
    const { isJson } = format();
    const client = await cli.client();
    const answer = await client.call(apiKeys.createToken, {
      params: { user: options.user || "me" },
      body: {
        ...(options.lifetime ? { lifetime: readDuration("--lifetime", options.lifetime) * 1e6 } : {}),
        ...(options.name ? { token_name: options.name } : {}),
        ...(options.scope ? { scopes: options.scope } : {}),
        ...(options.allow ? { allow_list: options.allow } : {}),
      },
    });
    // The key alone, so that $(coder tokens create) works.
    cli.print(isJson ? JSON.stringify(answer, null, 2) : answer.key);
  });
};
