import { provisionerKeys } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { confirm } from "../../prompt.ts";
import { noSuchKey } from "./no-such-key.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<provisioner-key>", "the key to delete; its daemons are cut off")
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption());
  command.action(async (name: string, options: { yes?: boolean }) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    await confirm(cli, options.yes, `Are you sure you want to delete provisioner key ${name}?`);
    await client
      .call(provisionerKeys.deleteProvisionerKey, {
        params: { organization: organization.id, provisionerkey: name },
      })
      .catch(noSuchKey(organization, name));
    cli.say(`Successfully deleted provisioner key ${cli.err.bold(name)}!`);
  });
};
