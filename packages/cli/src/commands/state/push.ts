import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { builds } from "@slipway/api/client";
import { Option } from "commander";
import { followBuild } from "../../build-logs.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { numberOption } from "../../options.ts";
import { fetchWorkspace } from "../../workspace-argument.ts";
import { findBuild, postBuild } from "../../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME or OWNER/NAME")
    .argument("<file>", "Terraform state to use from now on; - for stdin")
    .addOption(numberOption("-b, --build <number>", "the build to repeat with it (default: the latest)"))
    .addOption(noBuild());
  command.action(async (name: string, file: string, options: { build?: number; noBuild?: boolean }) => {
    const state = file === "-" ? await buffer(cli.stdin) : await readFile(file);
    checkState(state, file);
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    const build = await findBuild(client, workspace, options.build ?? 0);
    const encoded = state.toString("base64");
    if (options.noBuild) {
      await client.call(builds.updateBuildState, {
        params: { workspacebuild: build.id },
        body: { state: encoded },
      });
      cli.say(`Replaced the state of build ${build.build_number}; nothing was built.`);
      return;
    }
    const next = await postBuild(client, workspace, {
      transition: build.transition,
      template_version_id: build.template_version_id,
      state: encoded,
    });
    await followBuild(cli, client, next);
    cli.say(`Build ${next.build_number} of ${cli.err.bold(workspace.name)} used the given state.`);
  });
};

/** A flag of its own: commander would take it for the opposite of `--build`, and the number of the build with it. */
function noBuild(): Option {
  const option = new Option(
    "-n, --no-build",
    "replace the state of the build as it is recorded, without building",
  );
  option.negate = false;
  return option;
}

function checkState(state: Buffer, file: string): void {
  try {
    JSON.parse(state.toString("utf8"));
  } catch (err) {
    throw new CliError(`${file === "-" ? "stdin" : file} is not a Terraform state: it is not JSON.`, {
      cause: err,
    });
  }
}
