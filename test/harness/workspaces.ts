import { builds, type Client, type WorkspaceTransition, workspaces } from "@slipway/api";
import { waitFor } from "./wait-for.ts";

/** Each question costs server and database as much as a small step of Terraform. */
const everyMs = 150;

type Build = Awaited<ReturnType<typeof getBuild>>;

function getBuild(client: Client, id: string) {
  return client.call(builds.getBuild, { params: { workspacebuild: id } });
}

export async function waitForBuild(client: Client, id: string, timeoutMs = 120_000): Promise<Build> {
  return waitFor(
    "the build to end",
    async () => {
      const build = await getBuild(client, id);
      return build.job.completed_at !== undefined && build;
    },
    { timeoutMs, everyMs },
  );
}

export async function buildLog(client: Client, id: string): Promise<string> {
  const response = await client.fetch(builds.getBuildLogs, {
    params: { workspacebuild: id },
    query: { format: "text" },
  });
  return response.text();
}

/** Creates a workspace and waits for its first build, which must succeed. */
export async function createWorkspace(
  client: Client,
  templateId: string,
  name: string,
  parameters: { name: string; value: string }[] = [],
) {
  const workspace = await client.call(workspaces.createWorkspace, {
    params: { user: "me" },
    body: { template_id: templateId, name, rich_parameter_values: parameters },
  });
  await requireSuccess(client, await waitForBuild(client, workspace.latest_build.id));
  return workspace;
}

/** Starts a build and returns it unfinished. */
export function postBuild(
  client: Client,
  workspaceId: string,
  transition: WorkspaceTransition,
  parameters: { name: string; value: string }[] = [],
) {
  return client.call(workspaces.createWorkspaceBuild, {
    params: { workspace: workspaceId },
    body: { transition, rich_parameter_values: parameters },
  });
}

/** Runs a build, which must succeed. */
export async function build(client: Client, workspaceId: string, transition: WorkspaceTransition) {
  const { id } = await postBuild(client, workspaceId, transition);
  return requireSuccess(client, await waitForBuild(client, id));
}

async function requireSuccess(client: Client, ended: Build): Promise<Build> {
  if (ended.job.status !== "succeeded") {
    throw new Error(
      `The ${ended.transition} build ${ended.job.status}: ${ended.job.error}\n${await buildLog(client, ended.id)}`,
    );
  }
  return ended;
}

/** Addresses of the managed resources in Terraform's state after a build, with what is tainted marked so. */
export async function stateOf(client: Client, buildId: string): Promise<string[]> {
  const response = await client.fetch(builds.getBuildState, { params: { workspacebuild: buildId } });
  // Terraform's own format: version 4.
  const { resources } = (await response.json()) as {
    resources: { mode: string; type: string; name: string; instances: { status?: string }[] }[];
  };
  return resources
    .filter(({ mode }) => mode === "managed")
    .flatMap(({ type, name, instances }) =>
      instances.map(({ status }) => `${type}.${name}${status ? ` (${status})` : ""}`),
    )
    .sort();
}

export async function getAgent(client: Client, workspaceId: string) {
  const workspace = await client.call(workspaces.getWorkspace, { params: { workspace: workspaceId } });
  const agent = workspace.latest_build.resources.flatMap(({ agents }) => agents ?? [])[0];
  if (agent === undefined) throw new Error(`${workspace.name} has no agent.`);
  return agent;
}

/** Waits until the agent of the latest build is connected and its start scripts have ended. */
export function waitForAgent(client: Client, workspaceId: string, timeoutMs = 120_000) {
  return waitFor(
    "the agent to be ready",
    async () => {
      const agent = await getAgent(client, workspaceId);
      return agent.status === "connected" && agent.lifecycle_state === "ready" && agent;
    },
    { timeoutMs, everyMs },
  );
}

/** What a test leaves behind runs on: agents are processes of their own. */
export async function deleteAllWorkspaces(client: Client): Promise<void> {
  const { workspaces: all } = await client.call(workspaces.getWorkspaces, { query: { limit: 0 } });
  const deleted = all.map(async (workspace) => {
    await waitForBuild(client, workspace.latest_build.id);
    const { id } = await postBuild(client, workspace.id, "delete");
    return requireSuccess(client, await waitForBuild(client, id));
  });
  // All of them, also after a failure: nothing is to run on.
  await Promise.allSettled(deleted);
  await Promise.all(deleted);
}
