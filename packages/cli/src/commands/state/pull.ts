import { chmod, writeFile } from "node:fs/promises";
import { builds } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { addSwitch, numberOption } from "../../options.ts";
import { fetchWorkspace } from "../../workspace-argument.ts";
import { findBuild } from "../../workspace-builds.ts";

type PullOptions = { build?: number; kept?: boolean };

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME or OWNER/NAME")
    .argument("[file]", "where to write the state (default: stdout)")
    .addOption(numberOption("-b, --build <number>", "the build whose state to get (default: the latest)"));
  addSwitch(command, cli, "--kept", "the state that a daemon handed in too late, as the build's log says");
  command.action(async (name: string, file: string | undefined, options: PullOptions) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    const build = await findBuild(client, workspace, options.build ?? 0);
    const answer = await client.fetch(options.kept ? builds.getKeptBuildState : builds.getBuildState, {
      params: { workspacebuild: build.id },
      signal: cli.signal,
    });
    const state = new Uint8Array(await answer.arrayBuffer());
    if (file === undefined || file === "-") {
      cli.stdout.write(state);
      return;
    }
    // State holds secrets.
    await writeFile(file, state, { mode: 0o600 });
    await chmod(file, 0o600);
    cli.say(`Wrote the ${options.kept ? "kept " : ""}state of build ${build.build_number} to ${file}.`);
  });
};
