import type { agents } from "@slipway/api";
import type { Deps } from "../deps.ts";
import type { AgentHub } from "./agent-hub.ts";
import { toApiMetadata } from "./to-api-agent.ts";

/** At most one look a second, and one at least every few seconds for agents of another replica. */
const minIntervalMs = 1_000;
const maxIntervalMs = 5_000;
const pingAfterMs = 15_000;

/** Where a watcher gets metadata, and a sign of life while nothing changes. */
export type MetadataSink = {
  data(items: agents.WorkspaceAgentMetadata[]): unknown;
  ping(): unknown;
};

/** Sends an agent's metadata at once and whenever it changes, until the signal is aborted. */
export async function watchMetadata(
  deps: Pick<Deps, "db" | "clock" | "signal">,
  hub: AgentHub,
  watch: { agentId: string; signal: AbortSignal; sink: MetadataSink },
): Promise<void> {
  const { agentId, sink } = watch;
  const signal = AbortSignal.any([watch.signal, deps.signal]);
  let sent = "";
  let sentAt = 0;
  while (!signal.aborted) {
    const rows = await deps.db
      .selectFrom("workspace_agent_metadata")
      .selectAll()
      .where("agent_id", "=", agentId)
      .orderBy("display_order")
      .orderBy("key")
      .execute();
    const now = deps.clock.now();
    const version = rows.map((row) => `${row.key}@${row.collected_at?.getTime() ?? 0}`).join();
    if (version !== sent || sentAt === 0) {
      sent = version;
      sentAt = now.getTime();
      await sink.data(rows.map((row) => toApiMetadata(row, now)));
    } else if (now.getTime() - sentAt > pingAfterMs) {
      sentAt = now.getTime();
      await sink.ping();
    }
    await nextLook(hub, agentId, signal);
  }
}

/** Resolves after a change but not within the minimum, after the maximum in any case, or on abort. */
function nextLook(hub: AgentHub, agentId: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let changed = false;
    let rested = false;
    const finish = () => {
      clearTimeout(soonest);
      clearTimeout(latest);
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const soonest = setTimeout(() => {
      rested = true;
      if (changed) finish();
    }, minIntervalMs);
    const latest = setTimeout(finish, maxIntervalMs);
    const unsubscribe = hub.metadata.subscribe(agentId, () => {
      changed = true;
      if (rested) finish();
    });
    signal.addEventListener("abort", finish, { once: true });
  });
}
