import type { AgentHub } from "../agents/agent-hub.ts";
import type { Deps } from "../deps.ts";
import { forgetInAgent, keepNewest, maxKept } from "./forgettable.ts";
import type { LiveAccess } from "./live-access.ts";

/** Longer than an agent keeps anything for a client that is away (10 minutes). */
const keptForMs = 11 * 60_000;

/** Whose streams and terminals an agent keeps, though nothing connects them with their client now. */
export type Kept = {
  agentId: string;
  workspaceId: string;
  userId: string;
  keyId: string;
  resumeKeys: readonly Uint8Array[];
  terminalIds: readonly string[];
};

/**
 * Watches over what agents keep for clients that are away: when access is withdrawn before they come back, the agent
 * forgets it at once.
 */
export type KeptStreams = {
  /** The client is gone, or an agent tells what it keeps from before this server's time. */
  keep(kept: Kept): void;
  /** Somebody has come for it: the connection that brought them answers for it from now on. */
  taken(agentId: string, what: { resumeKey?: Uint8Array | undefined; terminalId?: string | undefined }): void;
};

type Entry = {
  resumeKeys: Map<string, Uint8Array>;
  terminalIds: Set<string>;
  /** Also called when nothing is left to be forgotten. */
  leave(): void;
  timer: NodeJS.Timeout | undefined;
};

export function createKeptStreams(
  deps: Pick<Deps, "log" | "signal">,
  { hub, live }: { hub: AgentHub; live: LiveAccess },
): KeptStreams {
  const { log } = deps;
  const byAgent = new Map<string, Map<string, Entry>>();

  function entryOf({ agentId, workspaceId, userId, keyId }: Kept): Entry {
    const entries = byAgent.get(agentId) ?? new Map<string, Entry>();
    byAgent.set(agentId, entries);
    const id = `${userId} ${keyId}`;
    const known = entries.get(id);
    if (known) return known;
    const [resumeKeys, terminalIds] = [new Map<string, Uint8Array>(), new Set<string>()];
    const remove = () => {
      clearTimeout(entry.timer);
      entries.delete(id);
      if (entries.size === 0 && byAgent.get(agentId) === entries) byAgent.delete(agentId);
    };
    const stopWatching = live.enter({
      userId,
      keyId,
      workspaceId,
      action: "ssh",
      kind: "kept streams",
      isAway: true,
      cut(reason) {
        remove();
        const ids = { resumeKeys: [...resumeKeys.values()], terminalIds: [...terminalIds] };
        forgetInAgent(hub, log, { agentId, reason, ...ids });
      },
    });
    const leave = () => {
      remove();
      stopWatching();
    };
    const entry: Entry = { resumeKeys, terminalIds, leave, timer: undefined };
    entries.set(id, entry);
    // No agent keeps anything for more sessions; what says so says anything.
    if (entries.size > maxKept) entries.values().next().value?.leave();
    return entry;
  }

  return {
    keep(kept) {
      if (kept.resumeKeys.length + kept.terminalIds.length === 0 || deps.signal.aborted) return;
      const entry = entryOf(kept);
      for (const key of kept.resumeKeys) {
        const id = Buffer.from(key).toString("base64");
        keepNewest(entry.resumeKeys, id, () => entry.resumeKeys.set(id, key));
      }
      for (const id of kept.terminalIds) {
        keepNewest(entry.terminalIds, id, () => entry.terminalIds.add(id));
      }
      clearTimeout(entry.timer);
      entry.timer = setTimeout(entry.leave, keptForMs);
      entry.timer.unref();
    },
    taken(agentId, { resumeKey = new Uint8Array(), terminalId = "" }) {
      const id = Buffer.from(resumeKey).toString("base64");
      for (const { resumeKeys, terminalIds, leave } of byAgent.get(agentId)?.values() ?? []) {
        resumeKeys.delete(id);
        terminalIds.delete(terminalId);
        if (resumeKeys.size + terminalIds.size === 0) leave();
      }
    },
  };
}
