import { type builds, type Client, workspaces } from "@slipway/api/client";
import { waitForAgent } from "./agent-wait.ts";
import { followBuild } from "./build-logs.ts";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { agentsOf, fetchWorkspace } from "./workspace-argument.ts";

type Workspace = workspaces.Workspace;
type BuildRequest = Parameters<typeof postBuild>[2];

/** Asks for a build; people's builds from here have the reason `cli` where a reason may be given. */
export async function postBuild(
  client: Client,
  workspace: Workspace,
  body: {
    transition: "start" | "stop" | "delete";
    template_version_id?: string;
    rich_parameter_values?: { name: string; value: string }[];
    orphan?: boolean;
    state?: string;
    reason?: ClientReason;
  },
): Promise<builds.WorkspaceBuild> {
  const reason = body.transition === "delete" ? {} : { reason: body.reason ?? ("cli" as const) };
  return client.call(workspaces.createWorkspaceBuild, {
    params: { workspace: workspace.id },
    body: { ...body, ...reason },
  });
}

export const clientReasons = [
  "dashboard",
  "cli",
  "ssh_connection",
  "vscode_connection",
  "jetbrains_connection",
] as const;
export type ClientReason = (typeof clientReasons)[number];

/** Builds and shows the build until its end. */
export async function build(
  cli: Cli,
  client: Client,
  workspace: Workspace,
  body: BuildRequest,
): Promise<builds.WorkspaceBuild> {
  return followBuild(cli, client, await postBuild(client, workspace, body));
}

/** Waits until the workspace can be used: every agent of its latest build has run its start scripts. */
export async function waitUntilReady(cli: Cli, client: Client, workspaceId: string): Promise<Workspace> {
  const workspace = await fetchWorkspace(client, { id: workspaceId });
  for (const agent of agentsOf(workspace)) {
    if (agent.parent_id === null) await waitForAgent(cli, client, agent.id, { wait: true, giveUp: true });
  }
  return workspace;
}

/** A build under way, of whoever's making, is waited for: a second one would be refused. */
export async function waitForActiveBuild(cli: Cli, client: Client, workspace: Workspace): Promise<Workspace> {
  const { status } = workspace.latest_build.job;
  if (status !== "pending" && status !== "running" && status !== "canceling") return workspace;
  cli.say(
    `The workspace ${workspace.name} is ${workspace.latest_build.status}: waiting for that build first.`,
  );
  await followBuild(cli, client, workspace.latest_build).catch((err: unknown) => {
    cli.signal.throwIfAborted();
    // How an earlier build ended is shown, and does not stand in the way of the next.
    cli.say(err instanceof Error ? err.message : String(err));
  });
  return fetchWorkspace(client, { id: workspace.id });
}

/** The moment of a success, as the last line of a command names it. */
export function moment(): string {
  return new Date().toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** `name` for one's own workspaces, else `owner/name`: how to name it in the next command. */
export function shortName(workspace: Workspace, me: string | undefined): string {
  return me === workspace.owner_name ? workspace.name : `${workspace.owner_name}/${workspace.name}`;
}

/** A build by its number; 0 is the latest, and negative numbers count back from there (cli.md 6, `logs -n`). */
export async function findBuild(
  client: Client,
  workspace: Workspace,
  number: number,
): Promise<builds.WorkspaceBuild> {
  const latest = workspace.latest_build;
  const wanted = number > 0 ? number : latest.build_number + number;
  if (wanted === latest.build_number) return latest;
  if (wanted < 1 || wanted > latest.build_number) {
    throw new CliError(`${workspace.name} has no build ${wanted}`, {
      hint: `Its builds are numbered from 1 to ${latest.build_number}.`,
    });
  }
  return client.call(workspaces.getBuildByNumber, {
    params: {
      user: workspace.owner_name,
      workspacename: workspace.name,
      buildnumber: String(wanted),
    },
  });
}
