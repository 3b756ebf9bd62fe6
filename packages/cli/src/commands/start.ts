import { builds } from "@slipway/api/client";
import { Option } from "commander";
import { followBuild } from "../build-logs.ts";
import type { Configure } from "../command-tree.ts";
import { addSwitch } from "../options.ts";
import { addParameterOptions, type ParameterOptions, resolveBuildParameters } from "../parameters.ts";
import { startVersion } from "../start-version.ts";
import { warnUnmatched } from "../warn-unmatched.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import {
  type ClientReason,
  clientReasons,
  moment,
  postBuild,
  waitForActiveBuild,
  waitUntilReady,
} from "../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  addSwitch(command, cli, "--no-wait", "return as soon as the start is queued");
  addParameterOptions(command, cli);
  command.addOption(
    new Option("--reason <reason>", "what the start is for").choices(clientReasons).hideHelp(),
  );
  command.option("-y, --yes", "do not ask");
  command.action(
    async (name: string, options: ParameterOptions & { wait: boolean; reason?: ClientReason }) => {
      const client = await cli.client();
      const found = await fetchWorkspace(client, name);
      const { latest_build: latest } = found;
      if (latest.status === "running") {
        cli.say(`The ${cli.err.bold(found.name)} workspace is already running!`);
        return;
      }
      if (latest.transition === "start" && (latest.status === "pending" || latest.status === "starting")) {
        cli.say(`The ${cli.err.bold(found.name)} workspace is already starting.`);
        if (options.wait) await followBuild(cli, client, latest);
      } else {
        const workspace = await waitForActiveBuild(cli, client, found);
        const versionId = startVersion(workspace);
        const values = await resolveBuildParameters(cli, client, {
          versionId,
          action: "start",
          ownerId: workspace.owner_id,
          isClassic: workspace.template_use_classic_parameter_flow,
          options,
          previous: await client.call(builds.getBuildParameters, {
            params: { workspacebuild: workspace.latest_build.id },
          }),
        });
        const build = await postBuild(client, workspace, {
          transition: "start",
          template_version_id: versionId,
          rich_parameter_values: values,
          ...(options.reason ? { reason: options.reason } : {}),
        });
        if (!options.wait) {
          warnUnmatched(cli, build.job);
          cli.say(`The start of ${cli.err.bold(workspace.name)} is queued.`);
          return;
        }
        await followBuild(cli, client, build);
      }
      if (!options.wait) return;
      await waitUntilReady(cli, client, found.id);
      cli.say(`\nThe ${cli.err.bold(found.name)} workspace has been started at ${moment()}!`);
    },
  );
};
