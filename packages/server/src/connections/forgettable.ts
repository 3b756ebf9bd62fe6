import type { StreamOpen } from "@slipway/proto/tunnel";
import type { Logger } from "pino";
import { agentControl } from "../agents/agent-control.ts";
import type { AgentHub } from "../agents/agent-hub.ts";

/** An agent keeps no more resumable streams and no more terminals than this: older ones it has forgotten by itself. */
export const maxKept = 256;
const tellTimeoutMs = 5_000;
export const resumeKeyBytes = 16;

/** What an agent keeps of a person's streams when their carriers are gone. */
export type Forgettable = {
  /** A stream begins. To be told of its end: in order, both halves passed on, or broken. */
  opened(open: Pick<StreamOpen, "kind" | "resume">): (inOrder: boolean) => void;
  all(): { resumeKeys: Uint8Array[]; terminalIds: string[] };
};

/**
 * A tunnel lives for days and carries a new resumable stream for each connection to a forwarded port: what ended in
 * order is forgotten at both ends, and of the rest only as much is kept as the agent may still hold.
 */
export function createForgettable(): Forgettable {
  const open = new Map<string, { key: Uint8Array; streams: number }>();
  const broken = new Map<string, Uint8Array>();
  const terminals = new Set<string>();

  return {
    opened({ kind, resume }) {
      if (kind.case === "pty") keepNewest(terminals, kind.value.id, () => terminals.add(kind.value.id));
      // No agent keeps anything by another key.
      if (resume?.key.length !== resumeKeyBytes) return () => {};
      const { key } = resume;
      const id = Buffer.from(key).toString("base64");
      broken.delete(id);
      const entry = open.get(id) ?? { key, streams: 0 };
      entry.streams++;
      open.set(id, entry);
      return (inOrder) => {
        if (--entry.streams > 0) return;
        open.delete(id);
        if (!inOrder) keepNewest(broken, id, () => broken.set(id, key));
      };
    },
    all: () => ({
      resumeKeys: [...[...open.values()].map(({ key }) => key), ...broken.values()],
      terminalIds: [...terminals],
    }),
  };
}

/** Adds what an agent keeps as the newest of its kind; the oldest goes when there are more than an agent keeps. */
export function keepNewest(
  kept: { delete(id: string): boolean; keys(): Iterator<string>; readonly size: number },
  id: string,
  add: () => unknown,
): void {
  kept.delete(id);
  add();
  if (kept.size <= maxKept) return;
  const oldest = kept.keys().next();
  if (!oldest.done) kept.delete(oldest.value);
}

/** Access was withdrawn: what the agent would keep for its return ends now. */
export function forgetInAgent(
  hub: AgentHub,
  log: Logger,
  what: { agentId: string; reason: string; resumeKeys: Uint8Array[]; terminalIds: string[] },
): void {
  const { agentId, ...request } = what;
  const target = hub.sessions.get(agentId);
  if (!target || request.resumeKeys.length + request.terminalIds.length === 0) return;
  agentControl(target)
    .forgetStreams(request, { timeoutMs: tellTimeoutMs })
    .catch((err) => {
      // An agent that cannot be told is gone. When it comes back it tells what it keeps, which is judged anew; and
      // nobody reaches any of it without passing the authorization here again.
      log.debug({ err, agentId }, "the agent could not be told to forget streams");
    });
}
