import type { WorkspaceAgentRow } from "../db/schema.ts";

export type Lifecycle = WorkspaceAgentRow["lifecycle_state"];

/** How far along a state is. States of one rank are alternatives: an agent ends its start in one of three. */
const rank: Readonly<Record<Lifecycle, number>> = {
  created: 0,
  starting: 1,
  start_timeout: 2,
  start_error: 2,
  ready: 2,
  shutting_down: 3,
  shutdown_timeout: 4,
  shutdown_error: 4,
  off: 4,
};

export function isLifecycle(state: string): state is Lifecycle {
  return Object.hasOwn(rank, state);
}

/**
 * May an agent go from one state to the next? Never backwards (agent-and-apps.md 1.4), with one exception: a
 * process that was started anew (a container that restarted with its token) begins at `starting` again.
 */
export function mayFollow(from: Lifecycle, to: Lifecycle): boolean {
  if (to === "starting") return from !== "starting";
  return rank[to] > rank[from] || (rank[to] === rank[from] && rank[to] === 2 && from !== to);
}
