import type { Logger } from "pino";
import type { Clock } from "../deps.ts";
import type { Events } from "../events/events.ts";

/** Who holds what open, and on which ground: the facts that are looked at again when something changes. */
export type LiveEntry = Readonly<{
  userId: string;
  keyId: string;
  workspaceId: string;
  action: "ssh" | "read";
  /** Shown in logs: `ssh`, `terminal`, `watch`, … */
  kind: string;
  /** Ends it at once. The reason reaches the person. */
  cut(reason: string): void;
}>;

export type LiveAccess = {
  /** Enters something that stays open; the returned function takes it out when it has ended by itself. */
  enter(entry: LiveEntry): () => void;
  /** Looks at all entries again whose authorization is older than a lease; see `leaseMs`. */
  runOnce(now: Date): Promise<{ checked: number; cut: number }>;
  readonly size: number;
  close(): void;
};

export type LiveAccessOptions = {
  events: Events;
  clock: Clock;
  log: Logger;
  /** Null while the entry is still allowed, else why it is not any more. Throws when that cannot be found out. */
  whyNotAllowed(entry: LiveEntry): Promise<string | null>;
  /** An entry that could not be confirmed for so long is cut (architecture.md: 60 s). */
  leaseMs?: number;
};

type Held = { entry: LiveEntry; confirmedAt: number; checking: boolean };

/**
 * The one registry of live access. An event about a user or a workspace re-evaluates exactly the entries concerned;
 * an entry that nobody could confirm within its lease, because Postgres is away, is cut as well: it fails closed.
 */
export function createLiveAccess(options: LiveAccessOptions): LiveAccess {
  const leaseMs = options.leaseMs ?? 60_000;
  const held = new Set<Held>();
  const byUser = new Map<string, Set<Held>>();
  const byWorkspace = new Map<string, Set<Held>>();

  const unsubscribe = [
    options.events.subscribe("access", "*", (id) => reevaluate(id === "*" ? held : byUser.get(id))),
    options.events.subscribe("workspace", "*", (id) => reevaluate(id === "*" ? held : byWorkspace.get(id))),
  ];

  function reevaluate(entries: ReadonlySet<Held> | undefined): void {
    for (const one of [...(entries ?? [])]) void check(one);
  }

  async function check(one: Held): Promise<boolean> {
    if (one.checking || !held.has(one)) return false;
    one.checking = true;
    try {
      const startedAt = options.clock.now().getTime();
      const why = await options.whyNotAllowed(one.entry);
      if (why === null) {
        one.confirmedAt = startedAt;
        return false;
      }
      return cut(one, why);
    } catch (err) {
      const sinceMs = options.clock.now().getTime() - one.confirmedAt;
      if (sinceMs < leaseMs) return false;
      options.log.warn({ err, userId: one.entry.userId }, "access could not be confirmed for a whole lease");
      return cut(one, "Your access could not be confirmed: the server cannot reach its database.");
    } finally {
      one.checking = false;
    }
  }

  function cut(one: Held, reason: string): boolean {
    if (!held.has(one)) return false;
    leave(one);
    const { userId, workspaceId, kind } = one.entry;
    options.log.info({ userId, workspaceId, kind, reason }, "live access withdrawn");
    one.entry.cut(reason);
    return true;
  }

  function leave(one: Held): void {
    held.delete(one);
    removeFrom(byUser, one.entry.userId, one);
    removeFrom(byWorkspace, one.entry.workspaceId, one);
  }

  return {
    enter(entry) {
      const one: Held = { entry, confirmedAt: options.clock.now().getTime(), checking: false };
      held.add(one);
      addTo(byUser, entry.userId, one);
      addTo(byWorkspace, entry.workspaceId, one);
      return () => leave(one);
    },
    async runOnce(now) {
      // At half a lease, so that one failed look leaves time for another before the entry must be cut.
      const due = [...held].filter((one) => now.getTime() - one.confirmedAt >= leaseMs / 2);
      const results = await Promise.all(due.map(check));
      return { checked: due.length, cut: results.filter(Boolean).length };
    },
    get size() {
      return held.size;
    },
    close() {
      for (const stop of unsubscribe) stop();
    },
  };
}

function addTo(index: Map<string, Set<Held>>, id: string, one: Held): void {
  const entries = index.get(id) ?? new Set();
  index.set(id, entries.add(one));
}

function removeFrom(index: Map<string, Set<Held>>, id: string, one: Held): void {
  const entries = index.get(id);
  entries?.delete(one);
  if (entries?.size === 0) index.delete(id);
}
