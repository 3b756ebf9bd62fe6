import { formatDuration, provisionerKeys } from "@slipway/api/client";
import { Option } from "commander";
import type { Configure } from "../../command-tree.ts";
import { readDuration } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { textFormat } from "../../output/format-list.ts";
import { noSuchKey } from "./no-such-key.ts";

type RotateOptions = { overlap: string; lifetime?: string };

export const configure: Configure = (command, cli) => {
  command
    .argument("<provisioner-key>", "the key to give a new secret")
    .addOption(
      new Option(
        "--overlap <duration>",
        "how long the old secret stays good, too; 0 cuts its daemons off at once",
      ).default("24h"),
    )
    .addOption(
      new Option(
        "--lifetime <duration>",
        "how long the key is good from now on (default: as long as before)",
      ),
    )
    .addOption(organizationOption());
  const format = textFormat(command);
  command.action(async (name: string, options: RotateOptions) => {
    const { isJson } = format();
    const overlapMs = readDuration("--overlap", options.overlap);
    const lifetimeMs = options.lifetime ? readDuration("--lifetime", options.lifetime) : undefined;
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const answer = await client
      .call(provisionerKeys.rotateProvisionerKey, {
        params: { organization: organization.id, provisionerkey: name },
        body: { overlap_ms: overlapMs, ...(lifetimeMs === undefined ? {} : { lifetime_ms: lifetimeMs }) },
      })
      .catch(noSuchKey(organization, name));
    const old =
      overlapMs === 0
        ? "The old secret has ended."
        : `The old secret stays good for ${formatDuration(overlapMs)} at most.`;
    cli.say(
      `Successfully rotated provisioner key ${cli.err.bold(name)}! ${old} Save this authentication token, it will not be shown again.\n`,
    );
    cli.print(isJson ? JSON.stringify(answer, null, 2) : answer.key);
  });
};
