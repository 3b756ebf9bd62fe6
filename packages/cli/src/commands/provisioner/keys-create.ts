import { provisionerKeys } from "@slipway/api/client";
import { Option } from "commander";
import type { Configure } from "../../command-tree.ts";
import { assignmentsOption, readAssignments, readDuration } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { textFormat } from "../../output/format-list.ts";

type CreateOptions = { tag?: string[]; lifetime?: string };

export const configure: Configure = (command, cli) => {
  command
    .argument("<name>", "what to call the key")
    .addOption(
      assignmentsOption(
        "-t, --tag <key=value>",
        "tag of which jobs the daemons of this key take (repeatable)",
        "CODER_PROVISIONERD_TAGS",
      ),
    )
    .addOption(
      new Option(
        "--lifetime <duration>",
        "how long the key is good, such as 90d (default: until it is deleted)",
      ),
    )
    .addOption(organizationOption());
  const format = textFormat(command);
  command.action(async (name: string, options: CreateOptions) => {
    const { isJson } = format();
    const tags = Object.fromEntries(readAssignments("--tag", options.tag));
    const lifetimeMs = options.lifetime ? readDuration("--lifetime", options.lifetime) : undefined;
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const answer = await client.call(provisionerKeys.createProvisionerKey, {
      params: { organization: organization.id },
      body: { name, tags, ...(lifetimeMs === undefined ? {} : { lifetime_ms: lifetimeMs }) },
    });
    if (tags.scope === "user") {
      cli.say(
        cli.err.yellow("note: daemons with a key always serve the organization: scope=user has no effect."),
      );
    }
    cli.say(
      `Successfully created provisioner key ${cli.err.bold(name)}! Save this authentication token, it will not be shown again.\n`,
    );
    // The secret alone, so that $(coder provisioner keys create …) works.
    cli.print(isJson ? JSON.stringify(answer, null, 2) : answer.key);
  });
};
