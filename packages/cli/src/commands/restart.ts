import { builds } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { addParameterOptions, type ParameterOptions, resolveBuildParameters } from "../parameters.ts";
import { confirm } from "../prompt.ts";
import { startVersion } from "../start-version.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import { build, moment, waitForActiveBuild, waitUntilReady } from "../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command.option("-y, --yes", "do not ask");
  addParameterOptions(command, cli);
  command.action(async (name: string, options: ParameterOptions & { yes?: boolean }) => {
    const client = await cli.client();
    const found = await fetchWorkspace(client, name);
    // Everything is asked before anything is stopped.
    const versionId = startVersion(found);
    const values = await resolveBuildParameters(cli, client, {
      versionId,
      action: "start",
      ownerId: found.owner_id,
      isClassic: found.template_use_classic_parameter_flow,
      options,
      previous: await client.call(builds.getBuildParameters, {
        params: { workspacebuild: found.latest_build.id },
      }),
    });
    await confirm(cli, options.yes, `Restart workspace ${found.name}?`);
    const workspace = await waitForActiveBuild(cli, client, found);
    await build(cli, client, workspace, { transition: "stop" });
    await build(cli, client, workspace, {
      transition: "start",
      template_version_id: versionId,
      rich_parameter_values: values,
    });
    await waitUntilReady(cli, client, workspace.id);
    cli.say(`\nThe ${cli.err.bold(workspace.name)} workspace has been restarted at ${moment()}!`);
  });
};
