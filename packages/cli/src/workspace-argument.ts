import {
  ApiResponseError,
  type agents,
  type Client,
  nameProblem,
  nameRule,
  workspaces,
} from "@slipway/api/client";
import { CliError } from "./cli-error.ts";

type Workspace = workspaces.Workspace;
type Agent = agents.WorkspaceAgent;

/** A workspace as the command line names it. `owner` is a username, a user's id, or `me`. */
export type WorkspaceReference = { id: string } | { owner: string; name: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Reads `name`, `owner/name` or a UUID (cli.md 1). */
export function parseWorkspaceReference(text: string): WorkspaceReference {
  if (uuid.test(text)) return { id: text.toLowerCase() };
  const parts = text.split("/");
  if (parts.length > 2 || parts.some((part) => part === "")) {
    throw new CliError(`invalid workspace name: "${text}"`, {
      hint: "Name it as NAME, OWNER/NAME or by its id.",
    });
  }
  const [owner, name] = parts.length === 2 ? parts : ["me", parts[0]];
  // Both are there: the list has one or two non-empty parts.
  return { owner: owner ?? "me", name: name ?? text };
}

/** Why a workspace can't be made under this name, or undefined: told before anything else is asked or planned. */
export function newWorkspaceProblem(text: string): string | undefined {
  const parts = text.split("/");
  if (parts.length > 2 || parts[0] === "") {
    return `A workspace is named as NAME or OWNER/NAME, got ${JSON.stringify(text)}.`;
  }
  const problem = nameProblem(nameRule, parts.at(-1) ?? "");
  return problem && `The name of a workspace ${problem}`;
}

/**
 * Reads the argument of commands that connect to an agent: also `name.agent`, `owner/name.agent`,
 * `owner--name--agent`, and, with the suffix that `ssh` host names carry, `agent.name.owner` (cli.md 1).
 *
 * @example
 * parseAgentTarget("ada/dev.main") // { workspace: { owner: "ada", name: "dev" }, agent: "main" }
 * parseAgentTarget("main.dev.ada.coder", "coder") // the same
 */
export function parseAgentTarget(
  text: string,
  hostnameSuffix?: string,
): { workspace: WorkspaceReference; agent: string | undefined } {
  if (uuid.test(text)) return { workspace: parseWorkspaceReference(text), agent: undefined };
  const ending = hostnameSuffix ? `.${hostnameSuffix.replace(/^\./, "")}` : "";
  const host = ending && text.endsWith(ending) ? text.slice(0, -ending.length) : text;
  if (host.includes("--") && !host.includes("/")) {
    // The agent stands behind a third `--` or, as the editors' extensions write it, behind a dot.
    const [owner, name, agent, ...more] = host.replace(".", "--").split("--");
    if (!owner || !name || agent === "" || more.length > 0) throw invalidTarget(text);
    return { workspace: { owner, name }, agent };
  }
  const dots = host.split(".");
  if (dots.length === 3 && !host.includes("/")) {
    const [agent, name, owner] = dots;
    if (!agent || !name || !owner) throw invalidTarget(text);
    return { workspace: { owner, name }, agent };
  }
  const [path, agent, ...more] = dots;
  if (!path || agent === "" || more.length > 0) throw invalidTarget(text);
  return { workspace: parseWorkspaceReference(path), agent };
}

function invalidTarget(text: string): CliError {
  return new CliError(`invalid workspace name: "${text}"`, {
    hint: "Name it as NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT.",
  });
}

/** Fetches the workspace that an argument names. */
export async function fetchWorkspace(
  client: Client,
  argument: string | WorkspaceReference,
): Promise<Workspace> {
  const reference = typeof argument === "string" ? parseWorkspaceReference(argument) : argument;
  try {
    return "id" in reference
      ? await client.call(workspaces.getWorkspace, { params: { workspace: reference.id } })
      : await client.call(workspaces.getWorkspaceByName, {
          params: { user: reference.owner, workspacename: reference.name },
        });
  } catch (err) {
    if (!(err instanceof ApiResponseError && err.status === 404)) throw err;
    const shown = "id" in reference ? reference.id : shownName(reference);
    throw new CliError(`workspace "${shown}" not found`, {
      hint: "List those that you can use: coder list --all",
      cause: err,
    });
  }
}

/** Fetches a workspace and the agent to connect to: the one named, or the only one. */
export async function fetchAgentTarget(
  client: Client,
  argument: string,
  hostnameSuffix?: string,
): Promise<{ workspace: Workspace; agent: Agent | undefined; agentName: string | undefined }> {
  const target = parseAgentTarget(argument, hostnameSuffix);
  const workspace = await fetchWorkspace(client, target.workspace);
  return { workspace, agent: findAgent(workspace, target.agent), agentName: target.agent };
}

/**
 * The agent of a workspace: the one named, or the only one. Undefined while the workspace has none, as a stopped
 * one has; a wrong name and an open choice are errors that list the names.
 */
export function findAgent(workspace: Workspace, name: string | undefined): Agent | undefined {
  const all = agentsOf(workspace);
  const names = all.map((agent) => agent.name).join(", ");
  if (all.length === 0) return undefined;
  if (name !== undefined) {
    const found = all.find((agent) => agent.name === name);
    if (found) return found;
    throw new CliError(`the workspace "${workspace.name}" has no agent "${name}"`, {
      hint: `It has: ${names}.`,
    });
  }
  const main = all.filter((agent) => agent.parent_id === null);
  if (main.length === 1) return main[0];
  throw new CliError(`the workspace "${workspace.name}" has several agents`, {
    hint: `Say which one, as ${workspace.name}.AGENT: ${names}.`,
  });
}

/** All agents of the latest build. */
export function agentsOf(workspace: Workspace): Agent[] {
  return workspace.latest_build.resources.flatMap((resource) => resource.agents ?? []);
}

function shownName({ owner, name }: { owner: string; name: string }): string {
  return owner === "me" ? name : `${owner}/${name}`;
}
