import { setTimeout as sleep } from "node:timers/promises";
import { type Client, workspaces } from "@slipway/api/client";
import { followBuild } from "../../build-logs.ts";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { postBuild, waitForActiveBuild } from "../../workspace-builds.ts";
import { ensureServer } from "./ensure-server.ts";
import { ensureSession } from "./ensure-session.ts";
import { ownCli } from "./own-cli.ts";
import { isRunning, pidOf } from "./process-identity.ts";
import { type UpPaths, upPaths } from "./up-paths.ts";
import { changeState, readState } from "./up-state.ts";
import { withLock } from "./with-lock.ts";

/** The server gives builds half a minute, and has some work of its own afterwards. */
const stopMs = 45_000;
const pollMs = 50;

export const configure: Configure = (command, outer) => {
  command.addHelpText(
    "after",
    "\nStops the workspaces and the server of 'coder up'. Nothing is lost: 'coder up' goes on.",
  );
  command.action(async () => {
    const paths = upPaths(outer.env);
    const cli = ownCli(outer, paths);
    const onWait = (pid: number | undefined) =>
      cli.say(`Waiting for another 'coder up' or 'coder down'${pid ? ` (pid ${pid})` : ""} to finish.`);
    await withLock(paths.lock, { signal: cli.signal, onWait }, () => down(cli, paths));
  });
};

async function down(cli: Cli, paths: UpPaths): Promise<void> {
  const state = await readState(paths);
  const runs = state.server !== undefined && isRunning(state.server);
  if (!runs && !state.isUp) {
    cli.say("Nothing is running.");
    return;
  }
  // Without its server, nobody else would stop what the workspaces run.
  const server = await ensureServer(cli, paths, async () => []);
  const { client } = await ensureSession(cli, paths, server.url);
  await stopWorkspaces(cli, client);
  const { server: identity } = await readState(paths);
  if (identity) await stopServer(cli, identity);
  await changeState(paths, { server: undefined, extraAddresses: undefined, isUp: false });
  cli.say(`Stopped. Everything is kept; '${cli.self} up' goes on.`);
}

async function stopWorkspaces(cli: Cli, client: Client): Promise<void> {
  const { workspaces: all } = await client.call(workspaces.getWorkspaces);
  for (const each of all) {
    const workspace = await waitForActiveBuild(cli, client, each);
    const { transition } = workspace.latest_build;
    // A start that failed may have left things behind as well.
    if (transition !== "start") continue;
    cli.say(`Stopping the workspace ${cli.err.bold(workspace.name)}.`);
    const build = await postBuild(client, workspace, { transition: "stop" });
    await followBuild(cli, client, build, { quiet: true });
  }
}

async function stopServer(cli: Cli, identity: string): Promise<void> {
  const pid = pidOf(identity);
  if (pid === undefined || !isRunning(identity)) return;
  process.kill(pid, "SIGTERM");
  const deadlineMs = performance.now() + stopMs;
  while (isRunning(identity)) {
    if (performance.now() > deadlineMs) {
      throw new CliError(`The server (pid ${pid}) has not stopped within ${stopMs / 1000} s.`, {
        hint: `Stop it by force if it must be: kill -9 ${pid}. Its data survives that.`,
      });
    }
    await sleep(pollMs, undefined, { signal: cli.signal }).catch(() => {
      throw cli.signal.reason;
    });
  }
}
