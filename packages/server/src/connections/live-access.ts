import type { Logger } from "pino";
import type { Subject } from "../access/authorize.ts";
import type { Clock } from "../deps.ts";
import type { Events, EventTopic } from "../events/events.ts";

/** What a person holds open to a workspace, and on which ground. */
export type WorkspaceEntry = Readonly<{
  userId: string;
  keyId: string;
  workspaceId: string;
  action: "ssh" | "read";
  /** Shown in logs: `ssh`, `terminal`, `watch`, … */
  kind: string;
  /** The person is away, and reaches nothing by it before being let in anew. */
  isAway?: boolean;
  /** Ends it at once. The reason reaches the person. */
  cut(reason: string): void;
}>;

/** What a person follows of a template's version: the log of its import or of a dry run, a form. */
export type TemplateEntry = Readonly<{
  userId: string;
  keyId: string;
  /** Null for a version that has no template yet. */
  templateId: string | null;
  /** Looks again with what the person may do now. Throws when that cannot be found out. */
  isSeenBy(subject: Subject): Promise<boolean>;
  /** Shown in logs. */
  kind: string;
  /** Ends it at once. The reason reaches the person. */
  cut(reason: string): void;
}>;

/** The credential with which a provisioner daemon was let in, as far as it can be withdrawn. */
export type DaemonGround =
  | Readonly<{ by: "key"; provisionerKeyId: string; hashedSecret: Buffer }>
  | Readonly<{ by: "user"; userId: string; keyId: string; organizationId: string; isUserScoped: boolean }>;

/** The connection of a provisioner daemon. */
export type DaemonEntry = Readonly<{
  ground: DaemonGround;
  kind: "provisioner daemon";
  cut(reason: string): void;
}>;

/** Who holds what open, and on which ground: the facts that are looked at again when something changes. */
export type LiveEntry = WorkspaceEntry | TemplateEntry | DaemonEntry;

/** Why something is not allowed any more; while it is, when to look again at the latest. */
export type Verdict = { why: string } | { why: null; until?: Date | null };

export type LiveAccess = {
  /** Enters something that stays open; the returned function takes it out when it has ended by itself. */
  enter(entry: LiveEntry): () => void;
  /** Looks at all entries again whose authorization is older than a lease; see `leaseMs`. */
  runOnce(): Promise<{ checked: number; cut: number }>;
  readonly size: number;
  close(): void;
};

export type LiveAccessOptions = {
  events: Pick<Events, "subscribe">;
  clock: Clock;
  log: Logger;
  /** Judges the ground of an entry again. Throws when that cannot be found out. */
  judge(entry: LiveEntry): Promise<Verdict>;
  /** An entry that could not be confirmed for so long is cut (architecture.md: 60 s). */
  leaseMs?: number;
};

type Held = {
  entry: LiveEntry;
  /** On the monotonic clock: a lease must not grow when the other one is set back. */
  confirmedAtMs: number;
  checking: boolean;
  /** Something changed while a judgement was under way: it may rest on the rows of before. */
  isStale: boolean;
  timer: NodeJS.Timeout | undefined;
};

const topics = [
  "access",
  "workspace",
  "template",
  "provisioner_key",
] as const satisfies readonly EventTopic[];
/** Longer ones overflow; the judgement then sets another. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * The one registry of live access. An event about a user, a workspace, a template or a provisioner key re-evaluates
 * exactly the entries concerned; an entry that nobody could confirm within its lease, because Postgres is away, is cut as well: it
 * fails closed. But for daemons: without the database nothing is given to them, and the build that they run goes on;
 * and for those who are away: without the database nobody comes back, and a shell should outlive that.
 */
export function createLiveAccess(options: LiveAccessOptions): LiveAccess {
  const { events, clock, log } = options;
  const leaseMs = options.leaseMs ?? 60_000;
  const held = new Set<Held>();
  const bySubject = new Map<string, Set<Held>>();

  const unsubscribe = topics.map((topic) =>
    events.subscribe(topic, "*", (id) => reevaluate(id === "*" ? held : bySubject.get(`${topic} ${id}`))),
  );

  function reevaluate(entries: ReadonlySet<Held> | undefined): void {
    for (const one of [...(entries ?? [])]) void check(one);
  }

  async function check(one: Held): Promise<boolean> {
    if (!held.has(one)) return false;
    if (one.checking) {
      one.isStale = true;
      return false;
    }
    one.checking = true;
    one.isStale = false;
    try {
      const startedAtMs = performance.now();
      const verdict = await options.judge(one.entry);
      if (verdict.why !== null) return cut(one, verdict.why);
      one.confirmedAtMs = startedAtMs;
      checkAt(one, verdict.until ?? null);
      return false;
    } catch (err) {
      const sinceMs = performance.now() - one.confirmedAtMs;
      if (sinceMs < leaseMs || "ground" in one.entry) return false;
      if ("isAway" in one.entry && one.entry.isAway) return false;
      log.warn({ err, ...idsOf(one.entry) }, "access could not be confirmed for a whole lease");
      return cut(one, "Your access could not be confirmed: the server cannot reach its database.");
    } finally {
      one.checking = false;
      if (one.isStale) void check(one);
    }
  }

  function checkAt(one: Held, at: Date | null): void {
    clearTimeout(one.timer);
    if (at === null || !held.has(one)) return;
    const inMs = Math.min(Math.max(0, at.getTime() - clock.now().getTime()), maxTimerMs);
    one.timer = setTimeout(() => void check(one), inMs);
    one.timer.unref();
  }

  function cut(one: Held, reason: string): boolean {
    if (!held.has(one)) return false;
    leave(one);
    log.info({ ...idsOf(one.entry), kind: one.entry.kind, reason }, "live access withdrawn");
    one.entry.cut(reason);
    return true;
  }

  function leave(one: Held): void {
    held.delete(one);
    clearTimeout(one.timer);
    for (const subject of subjectsOf(one.entry)) {
      const entries = bySubject.get(subject);
      entries?.delete(one);
      if (entries?.size === 0) bySubject.delete(subject);
    }
  }

  return {
    enter(entry) {
      const one: Held = {
        entry,
        confirmedAtMs: performance.now(),
        checking: false,
        isStale: false,
        timer: undefined,
      };
      held.add(one);
      for (const subject of subjectsOf(entry)) {
        bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(one));
      }
      // What changed between the request's authentication and this moment had nobody to tell: it is found out now.
      void check(one);
      return () => leave(one);
    },
    async runOnce() {
      // At half a lease, so that one failed look leaves time for another before the entry must be cut.
      const nowMs = performance.now();
      const due = [...held].filter((one) => nowMs - one.confirmedAtMs >= leaseMs / 2);
      const results = await Promise.all(due.map(check));
      return { checked: due.length, cut: results.filter(Boolean).length };
    },
    get size() {
      return held.size;
    },
    close() {
      for (const stop of unsubscribe) stop();
      for (const one of held) clearTimeout(one.timer);
    },
  };
}

/** What an entry rests on, as `<topic> <id>` of the events about it. */
function subjectsOf(entry: LiveEntry): string[] {
  if ("workspaceId" in entry) return [`access ${entry.userId}`, `workspace ${entry.workspaceId}`];
  if ("templateId" in entry) return [`access ${entry.userId}`, `template ${entry.templateId}`];
  const { ground } = entry;
  return ground.by === "key" ? [`provisioner_key ${ground.provisionerKeyId}`] : [`access ${ground.userId}`];
}

function idsOf(entry: LiveEntry) {
  if ("workspaceId" in entry) return { userId: entry.userId, workspaceId: entry.workspaceId };
  if ("templateId" in entry) return { userId: entry.userId, templateId: entry.templateId };
  const { ground } = entry;
  return ground.by === "key" ? { provisionerKeyId: ground.provisionerKeyId } : { userId: ground.userId };
}
