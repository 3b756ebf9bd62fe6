import { setTimeout as sleep } from "node:timers/promises";
import { ApiResponseError, agents, type Client, workspaces } from "@slipway/api/client";
import { followBuild } from "../../build-logs.ts";
import type { Cli } from "../../cli.ts";
import { type ReadyAgent, readyAgent } from "../../ready-agent.ts";
import { startVersion } from "../../start-version.ts";
import { agentsOf } from "../../workspace-argument.ts";
import { postBuild, waitForActiveBuild } from "../../workspace-builds.ts";

type Workspace = workspaces.Workspace;

export const workspaceName = "dev";

/** How long an agent that ran before may take to find the server again, before it is started anew. */
const agentReturnMs = 10_000;
const pollMs = 200;

/**
 * Brings the workspace of `up` to where a shell can be opened: makes it, starts it, or starts it anew when what it
 * ran on is gone, as after a restart of the machine.
 */
export async function ensureWorkspace(
  cli: Cli,
  client: Client,
  options: {
    /** Called when there is no workspace yet: the version to make it from. */
    templateVersion(): Promise<string>;
    /** The server has another address than the one that agents were told. */
    isMoved: boolean;
  },
): Promise<ReadyAgent> {
  let workspace = await findWorkspace(client);
  if (!workspace) {
    const versionId = await options.templateVersion();
    cli.say(`Making the workspace ${cli.err.bold(workspaceName)}.`);
    workspace = await client.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: workspaceName, template_version_id: versionId, rich_parameter_values: [] },
    });
    await followBuild(cli, client, workspace.latest_build, { quiet: true });
  } else {
    workspace = await waitForActiveBuild(cli, client, workspace);
    const { status } = workspace.latest_build;
    if (status === "failed" || status === "canceled") {
      cli.say("The last build did not succeed: starting the workspace again.");
      await start(cli, client, workspace);
    } else if (status === "running" && (options.isMoved || !(await agentReturns(cli, client, workspace)))) {
      cli.say("The workspace does not answer: starting it anew.");
      await followBuild(cli, client, await postBuild(client, workspace, { transition: "stop" }), {
        quiet: true,
      });
      await start(cli, client, workspace);
    }
  }
  return readyAgent(cli, client, workspaceName, { autostart: true, wait: "yes", reason: "cli", quiet: true });
}

async function start(cli: Cli, client: Client, workspace: Workspace): Promise<void> {
  const build = await postBuild(client, workspace, {
    transition: "start",
    template_version_id: startVersion(workspace),
  });
  await followBuild(cli, client, build, { quiet: true });
}

async function findWorkspace(client: Client): Promise<Workspace | undefined> {
  try {
    return await client.call(workspaces.getWorkspaceByName, {
      params: { user: "me", workspacename: workspaceName },
    });
  } catch (err) {
    if (err instanceof ApiResponseError && err.status === 404) return undefined;
    throw err;
  }
}

async function agentReturns(cli: Cli, client: Client, workspace: Workspace): Promise<boolean> {
  const [agent] = agentsOf(workspace);
  // Nothing to wait for; what is wrong with that is said by whoever wants to connect.
  if (!agent) return true;
  // One that has never been here is on its first way.
  if (!agent.first_connected_at) return true;
  const deadlineMs = performance.now() + agentReturnMs;
  for (;;) {
    const { status } = await client.call(agents.getAgent, { params: { workspaceagent: agent.id } });
    if (status === "connected") return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(pollMs, undefined, { signal: cli.signal }).catch(() => {
      throw cli.signal.reason;
    });
  }
}
