import { ApiResponseError, type agents, type Client, type workspaces } from "@slipway/api/client";
import { waitForAgent } from "./agent-wait.ts";
import { followBuild } from "./build-logs.ts";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { startVersion } from "./start-version.ts";
import { fetchAgentTarget, fetchWorkspace, findAgent } from "./workspace-argument.ts";
import { type ClientReason, postBuild, waitForActiveBuild } from "./workspace-builds.ts";

type Workspace = workspaces.Workspace;
type Agent = agents.WorkspaceAgent;

/** Whether to wait for start scripts: `auto` does where one of them blocks logins. */
export type WaitChoice = "yes" | "no" | "auto";

export type ReadyAgentOptions = {
  /** Start a stopped workspace. */
  autostart: boolean;
  wait: WaitChoice;
  hostnameSuffix?: string | undefined;
  reason?: ClientReason;
  /** Show the logs of builds only when they fail. */
  quiet?: boolean;
};

export type ReadyAgent = { workspace: Workspace; agent: Agent };

/**
 * Finds the agent that an argument names and brings it to where it can be connected to: waits for a build under
 * way, starts a stopped workspace, waits for the agent (agent-and-apps.md 2.2). All of it is told on stderr.
 */
export async function readyAgent(
  cli: Cli,
  client: Client,
  argument: string,
  options: ReadyAgentOptions,
): Promise<ReadyAgent> {
  const target = await fetchAgentTarget(client, argument, options.hostnameSuffix);
  const workspace = await runningWorkspace(cli, client, target.workspace, options);
  const agent = workspace === target.workspace ? target.agent : findAgent(workspace, target.agentName);
  if (!agent) {
    throw new CliError(`The workspace ${workspace.name} has no agent to connect to.`, {
      hint: "Its template defines none (resource coder_agent) for this state.",
    });
  }
  const wait =
    options.wait === "auto"
      ? agent.scripts.some((script) => script.start_blocks_login)
      : options.wait === "yes";
  // As it mostly is, and then not worth another question.
  const isReady =
    agent.status === "connected" &&
    (agent.lifecycle_state === "ready" || agent.lifecycle_state.startsWith("start_"));
  return { workspace, agent: isReady ? agent : await waitForAgent(cli, client, agent.id, { wait }) };
}

async function runningWorkspace(
  cli: Cli,
  client: Client,
  found: Workspace,
  options: ReadyAgentOptions,
): Promise<Workspace> {
  let workspace = found;
  for (;;) {
    const { status, transition } = workspace.latest_build;
    switch (status) {
      case "running":
        return workspace;
      case "pending":
      case "starting":
      case "stopping":
      case "canceling":
        if (transition === "delete") throw deleted(workspace);
        if (transition === "start" && status !== "canceling") {
          await followBuild(cli, client, workspace.latest_build, { quiet: options.quiet ?? false });
          workspace = await fetchWorkspace(client, { id: workspace.id });
        } else {
          workspace = await waitForActiveBuild(cli, client, workspace);
        }
        continue;
      case "deleting":
      case "deleted":
        throw deleted(workspace);
      case "failed":
      case "canceled":
        throw new CliError(
          `The last build (${transition}) of the workspace ${workspace.name} ${status === "failed" ? "failed" : "was canceled"}.`,
          {
            hint: `See why with 'coder logs ${workspace.name}', and try again with 'coder start ${workspace.name}'.`,
          },
        );
      case "stopped":
        break;
    }
    if (!options.autostart) {
      throw new CliError(`The workspace ${workspace.name} is ${status}, and starting it is disabled.`, {
        hint: `Start it first: coder start ${workspace.name}`,
      });
    }
    cli.say(`The workspace ${cli.err.bold(workspace.name)} is ${status}: starting it.`);
    workspace = await start(cli, client, workspace, options);
  }
}

/** Starts with the parameters it had; a build of somebody else's that came first is waited for by our caller. */
async function start(
  cli: Cli,
  client: Client,
  workspace: Workspace,
  { reason = "ssh_connection", quiet = false }: ReadyAgentOptions,
): Promise<Workspace> {
  const post = (versionId: string) =>
    postBuild(client, workspace, { transition: "start", template_version_id: versionId, reason });
  try {
    await followBuild(cli, client, await startBuild(), { quiet });
  } catch (err) {
    if (!(err instanceof ApiResponseError && err.status === 409)) throw err;
  }
  return fetchWorkspace(client, { id: workspace.id });

  async function startBuild() {
    try {
      return await post(startVersion(workspace));
    } catch (err) {
      if (!(err instanceof ApiResponseError && err.status === 403) || !workspace.outdated) throw err;
      cli.say("The template requires its active version: the workspace is updated to it.");
      return post(workspace.template_active_version_id);
    }
  }
}

function deleted(workspace: Workspace): CliError {
  return new CliError(`The workspace ${workspace.name} is ${workspace.latest_build.status}.`);
}
