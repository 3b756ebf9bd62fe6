import { type AgentSessions, createAgentSessions } from "./agent-sessions.ts";

/** What this replica knows of the agents that are connected to it. */
export type AgentHub = {
  sessions: AgentSessions;
  metadata: MetadataChanges;
};

/**
 * Who watches which agent's metadata, inside this replica. Samples arrive every few seconds from every agent: a
 * NOTIFY for each would drown the events that matter (architecture.md, "Events and replicas"). Watchers on another
 * replica look by themselves.
 */
export type MetadataChanges = {
  changed(agentId: string): void;
  subscribe(agentId: string, handler: () => void): () => void;
};

export function createAgentHub(): AgentHub {
  return { sessions: createAgentSessions(), metadata: createMetadataChanges() };
}

function createMetadataChanges(): MetadataChanges {
  const handlers = new Map<string, Set<() => void>>();
  return {
    changed(agentId) {
      for (const handler of handlers.get(agentId) ?? []) handler();
    },
    subscribe(agentId, handler) {
      const own = handlers.get(agentId) ?? new Set();
      handlers.set(agentId, own);
      own.add(handler);
      return () => {
        own.delete(handler);
        if (own.size === 0 && handlers.get(agentId) === own) handlers.delete(agentId);
      };
    },
  };
}
