import type { agents } from "@slipway/api";
import type { WorkspaceAgentRow } from "../db/schema.ts";

/** How often an agent is heard of, and so how often its row is touched. */
export const heartbeatMs = 15_000;

/** An agent that was not heard of for this long is disconnected (agent-and-apps.md 1.5). */
export const inactiveAfterMs = 2 * heartbeatMs;

type Seen = Pick<
  WorkspaceAgentRow,
  "first_connected_at" | "last_connected_at" | "disconnected_at" | "created_at" | "connection_timeout_seconds"
>;

/** The connection status, computed when it is read (agent-and-apps.md 1.5). */
export function agentStatus(agent: Seen, now: Date): agents.AgentStatus {
  if (!agent.first_connected_at || !agent.last_connected_at) {
    const timeoutMs = agent.connection_timeout_seconds * 1000;
    return timeoutMs > 0 && now.getTime() - agent.created_at.getTime() > timeoutMs ? "timeout" : "connecting";
  }
  if (agent.disconnected_at && agent.disconnected_at >= agent.last_connected_at) return "disconnected";
  return now.getTime() - agent.last_connected_at.getTime() > inactiveAfterMs ? "disconnected" : "connected";
}

/** Why an agent is not healthy, in words that say where to look; undefined for a healthy one. */
export function agentProblem(
  status: agents.AgentStatus,
  lifecycle: WorkspaceAgentRow["lifecycle_state"],
): string | undefined {
  if (status === "timeout") return "agent is taking too long to connect";
  if (status === "disconnected") return "agent has lost connection";
  if (lifecycle === "start_timeout") return "agent startup script timed out";
  if (lifecycle === "start_error") return "agent startup script failed";
  if (lifecycle === "shutting_down" || lifecycle === "off") return "agent is shutting down";
  if (lifecycle === "shutdown_timeout" || lifecycle === "shutdown_error")
    return "agent did not shut down cleanly";
  return undefined;
}
