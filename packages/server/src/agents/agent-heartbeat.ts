import { sql } from "kysely";
import type { Deps } from "../deps.ts";
import type { AgentHub } from "./agent-hub.ts";

/**
 * Touches the rows of all agents that are connected here, in one statement, and closes the sessions of those that
 * are none any more: replaced by another build, deleted with their workspace, or connected elsewhere since.
 */
export async function agentHeartbeat(
  deps: Pick<Deps, "db" | "log">,
  hub: AgentHub,
  now: Date,
): Promise<{ touched: number; closed: number }> {
  const held = hub.sessions.all();
  if (held.length === 0) return { touched: 0, closed: 0 };
  const ids = held.map((entry) => entry.agentId);
  const generations = held.map((entry) => entry.generation);
  const { rows } = await sql<{ id: string }>`
    update workspace_agents set last_connected_at = ${now}
    from unnest(${ids}::uuid[], ${generations}::bigint[]) as held (id, generation)
    where workspace_agents.id = held.id and workspace_agents.generation = held.generation
      and not workspace_agents.deleted
    returning workspace_agents.id`.execute(deps.db);
  const current = new Set(rows.map((row) => row.id));
  const stale = held.filter((entry) => !current.has(entry.agentId));
  for (const entry of stale) entry.session.close(new Error("This agent was replaced or removed."));
  return { touched: current.size, closed: stale.length };
}
