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
  for (const resource of shown) {
    lines.push(`${colors.bold(`${resource.type}.${resource.name}`)}${costText(resource)}`);
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

function costText(resource: Resource): string {
  return resource.daily_cost > 0 ? ` (${resource.daily_cost} credits a day)` : "";
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
