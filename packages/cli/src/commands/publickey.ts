import { users } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { confirm } from "../prompt.ts";

export const configure: Configure = (command, cli) => {
  command.option("--reset", "make a new key pair; the old one ends to work wherever it is registered");
  command.option("-y, --yes", "do not ask");
  command.action(async ({ reset, yes }: { reset?: boolean; yes?: boolean }) => {
    const client = await cli.client();
    if (reset) {
      await confirm(cli, yes, "Make a new key pair? Register the new public key wherever the old one is.");
      await client.call(users.regenerateGitSSHKey, { params: { user: "me" } });
    }
    const { public_key } = await client.call(users.getGitSSHKey, { params: { user: "me" } });
    cli.say("This is your public key for using Git over SSH in workspaces. Add it to your Git provider:\n");
    cli.print(public_key);
  });
};
