import { builds } from "@slipway/api/client";
import type { Configure } from "../command-tree.ts";
import { addParameterOptions, type ParameterOptions, resolveBuildParameters } from "../parameters.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import { build, moment, waitForActiveBuild, waitUntilReady } from "../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  addParameterOptions(command, cli);
  command.option("-y, --yes", "do not ask");
  command.action(async (name: string, options: ParameterOptions) => {
    const client = await cli.client();
    const found = await fetchWorkspace(client, name);
    const changesValues = Boolean(
      options.alwaysPrompt ||
        options.promptEphemeralParameters ||
        options.buildOptions ||
        options.parameter ||
        options.richParameterFile ||
        options.ephemeralParameter ||
        options.buildOption,
    );
    if (!found.outdated && !changesValues) {
      cli.say("Workspace is up-to-date.");
      return;
    }
    const versionId = found.template_active_version_id;
    const values = await resolveBuildParameters(cli, client, {
      versionId,
      action: "update",
      ownerId: found.owner_id,
      isClassic: found.template_use_classic_parameter_flow,
      options,
      previous: await client.call(builds.getBuildParameters, {
        params: { workspacebuild: found.latest_build.id },
      }),
    });
    const workspace = await waitForActiveBuild(cli, client, found);
    // What the new version starts must not meet what the old one left running.
    if (workspace.latest_build.transition === "start")
      await build(cli, client, workspace, { transition: "stop" });
    await build(cli, client, workspace, {
      transition: "start",
      template_version_id: versionId,
      rich_parameter_values: values,
    });
    await waitUntilReady(cli, client, workspace.id);
    cli.say(`\nThe ${cli.err.bold(workspace.name)} workspace has been updated at ${moment()}!`);
  });
};
