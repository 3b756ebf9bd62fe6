import { type AgentSessions, createAgentSessions } from "./agent-sessions.ts";

/** What this replica knows of the agents that are connected to it. */
export type AgentHub = {
  sessions: AgentSessions;
  metadata: MetadataChanges;
  departures: Departures;
};

/** What is still being written down about agents that have gone: an orderly stop waits for it. */
export type Departures = {
  add(departure: Promise<void>): void;
  /** Resolves when all of it is written, or after the time: a frozen Postgres must not hold a stop up. */
  settled(withinMs: number): Promise<void>;
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
  return {
    sessions: createAgentSessions(),
    metadata: createMetadataChanges(),
    departures: createDepartures(),
  };
}

function createDepartures(): Departures {
  const open = new Set<Promise<void>>();
  return {
    add(departure) {
      open.add(departure);
      void departure.finally(() => open.delete(departure));
    },
    async settled(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([Promise.all(open), late]);
      clearTimeout(timer);
    },
  };
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
