import type { agents, builds } from "@slipway/api/client";
import type { Colors } from "./colors.ts";
import { plainText } from "./stage-view.ts";

type Resource = builds.WorkspaceResource;

/**
 * Resources and their agents as a tree. Planned ones have no state to show; of a workspace's own, agents are shown
 * with their state and with the command that enters them.
 */
export function resourceTree(
  resources: readonly Resource[],
  colors: Colors,
  options: { workspace?: string; details?: boolean } = {},
): string {
  const shown = resources.filter((resource) => !resource.hide);
  const agentCount = shown.reduce((sum, resource) => sum + (resource.agents?.length ?? 0), 0);
  const lines: string[] = [];
  for (const { resource, count } of instances(shown, options.details ?? false)) {
    const times = count > 1 ? ` ${colors.dim(`(${count} instances)`)}` : "";
    lines.push(`${colors.bold(`${resource.type}.${resource.name}`)}${times}${costText(resource, count)}`);
    if (options.details) {
      for (const item of resource.metadata ?? []) {
        lines.push(`    ${item.key}: ${item.sensitive ? "********" : plainText(item.value)}`);
      }
    }
    const own = resource.agents ?? [];
    own.forEach((agent, at) => {
      const branch = at === own.length - 1 ? "└─" : "├─";
      const platform = colors.dim(`(${agent.operating_system}, ${agent.architecture})`);
      const state = options.workspace === undefined ? "" : ` ${agentState(agent, colors)}`;
      lines.push(`${branch} ${agent.name} ${platform}${state}`);
      if (options.workspace !== undefined && agent.status === "connected") {
        const target = agentCount > 1 ? `${options.workspace}.${agent.name}` : options.workspace;
        const bar = at === own.length - 1 ? " " : "│";
        lines.push(`${bar}    ${colors.cyan(`coder ssh ${target}`)}`);
      }
    });
  }
  return lines.join("\n");
}

/** Those that `count` or `for_each` made alike stand in one line; one with an agent of its own keeps its own. */
function instances(
  resources: readonly Resource[],
  withMetadata: boolean,
): { resource: Resource; count: number }[] {
  const found = new Map<string, { resource: Resource; count: number }>();
  for (const resource of resources) {
    const { id, type, name, daily_cost, agents, metadata } = resource;
    const own = agents && agents.length > 0 ? id : withMetadata ? metadata : null;
    const key = JSON.stringify([type, name, daily_cost, own]);
    const earlier = found.get(key);
    if (earlier) earlier.count++;
    else found.set(key, { resource, count: 1 });
  }
  return [...found.values()];
}

function costText(resource: Resource, count: number): string {
  return resource.daily_cost > 0 ? ` (${resource.daily_cost * count} credits a day)` : "";
}

function agentState(agent: agents.WorkspaceAgent, colors: Colors): string {
  const version = agent.version ? ` ${colors.dim(agent.version)}` : "";
  switch (agent.status) {
    case "connected": {
      if (agent.lifecycle_state === "ready") return `${colors.green("⦿ connected")}${version}`;
      const text = `⦾ connected, ${agent.lifecycle_state.replaceAll("_", " ")}`;
      return `${colors.yellow(text)}${version}`;
    }
    case "connecting":
      return colors.yellow("⦾ connecting");
    case "disconnected":
      return colors.red(`⦾ disconnected${agent.health.reason ? ` (${agent.health.reason})` : ""}`);
    case "timeout":
      return colors.red("⦾ did not connect in time");
  }
}
