import type { Session } from "@slipway/mux";

/** One connected agent: its carrier's mux session and the generation that fences older ones. */
export type AgentSession = {
  readonly agentId: string;
  readonly workspaceId: string;
  readonly generation: number;
  readonly session: Session;
};

/** The agents whose carriers end at this replica. */
export type AgentSessions = {
  /** Takes the place of an older session of the same agent, which is closed. */
  add(entry: AgentSession): void;
  /** Removes the entry unless a newer one has taken its place. */
  remove(entry: AgentSession): void;
  get(agentId: string): AgentSession | undefined;
  /** Resolves with the session once the agent is connected here; null after the time or on abort. */
  waitFor(
    agentId: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<AgentSession | null>;
  all(): AgentSession[];
  readonly size: number;
};

export function createAgentSessions(): AgentSessions {
  const byAgent = new Map<string, AgentSession>();
  const waiting = new Map<string, Set<(entry: AgentSession) => void>>();

  return {
    add(entry) {
      const older = byAgent.get(entry.agentId);
      byAgent.set(entry.agentId, entry);
      older?.session.close(new Error("The agent has connected anew."));
      for (const wake of waiting.get(entry.agentId) ?? []) wake(entry);
    },
    remove(entry) {
      if (byAgent.get(entry.agentId) === entry) byAgent.delete(entry.agentId);
    },
    get: (agentId) => byAgent.get(agentId),
    waitFor(agentId, { timeoutMs, signal }) {
      const present = byAgent.get(agentId);
      if (present) return Promise.resolve(present);
      return new Promise((resolve) => {
        const waiters = waiting.get(agentId) ?? new Set();
        waiting.set(agentId, waiters);
        const finish = (entry: AgentSession | null) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
          waiters.delete(finish);
          if (waiters.size === 0 && waiting.get(agentId) === waiters) waiting.delete(agentId);
          resolve(entry);
        };
        const onAbort = () => finish(null);
        const timer = setTimeout(finish, timeoutMs, null);
        waiters.add(finish);
        if (signal?.aborted) onAbort();
        else signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
    all: () => [...byAgent.values()],
    get size() {
      return byAgent.size;
    },
  };
}
