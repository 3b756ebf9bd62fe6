import { chmod, writeFile } from "node:fs/promises";
import { builds } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { numberOption } from "../../options.ts";
import { fetchWorkspace } from "../../workspace-argument.ts";
import { findBuild } from "../../workspace-builds.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME or OWNER/NAME")
    .argument("[file]", "where to write the state (default: stdout)")
    .addOption(numberOption("-b, --build <number>", "the build whose state to get (default: the latest)"));
  command.action(async (name: string, file: string | undefined, options: { build?: number }) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    const build = await findBuild(client, workspace, options.build ?? 0);
    const answer = await client.fetch(builds.getBuildState, {
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
    cli.say(`Wrote the state of build ${build.build_number} to ${file}.`);
  });
};
