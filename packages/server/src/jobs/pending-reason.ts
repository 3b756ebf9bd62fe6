import type { jobs } from "@slipway/api";
import { describeTagProblems, explainTags, ownTags, startCommand, type TagProblem } from "@slipway/template";

/** A daemon of the job's organization. */
export type KnownDaemon = {
  id: string;
  name: string;
  provisioners: readonly string[];
  tags: Readonly<Record<string, string>>;
  lastSeenAt: Date | null;
  isLive: boolean;
  /** Jobs that it runs now. */
  running: number;
};

type PendingJob = { provisioner: string; tags: Readonly<Record<string, string>> };

export type Queued = {
  /** From 1; 0 when no live daemon could run the job, or one has just taken it. */
  position: number;
  size: number;
  /** How long jobs of this kind took lately; null when there were none. */
  durationMs: number | null;
};

/**
 * Why a pending job is not taken: nobody is there, nobody matches and what the nearest daemon lacks, those that match
 * are away, or all of them are busy (architecture.md, "Job states").
 */
export function pendingReason(
  job: PendingJob,
  daemons: readonly KnownDaemon[],
  queue: Queued,
): jobs.PendingReason {
  const matching = daemons.filter((daemon) => canRun(daemon, job));
  const live = matching.filter(({ isLive }) => isLive);
  const busy = live.filter(({ running }) => running > 0);
  const { position, size } = queue;
  const reason = {
    matching: { count: matching.length, available: live.length, busy: busy.length },
    position,
    size,
  };
  if (live.length === 0) {
    if (matching.length > 0) return { ...reason, ...offline(job, matching, reason.matching) };
    return { ...reason, ...nobodyMatches(job, daemons) };
  }
  // Those that are idle take the first jobs of the queue in this moment.
  if (position <= live.length - busy.length || position === 0) {
    return { ...reason, code: "taking", message: "A provisioner daemon is taking the job." };
  }
  const estimateMs = estimate(queue, live);
  return {
    ...reason,
    code: "busy",
    message:
      `All matching provisioner daemons are busy; the job is number ${position} of ${size} in the queue` +
      (estimateMs === null ? "." : `, and should begin in ${roughly(estimateMs)}.`),
    ...(estimateMs === null ? {} : { estimate_ms: estimateMs }),
  };
}

/** Whether the daemon may run the job, connected or not (provisioning.md §2.1). */
export function canRun(daemon: KnownDaemon, job: PendingJob): boolean {
  return daemon.provisioners.includes(job.provisioner) && explainTags(daemon.tags, job.tags).length === 0;
}

function offline(
  job: PendingJob,
  matching: readonly KnownDaemon[],
  counts: jobs.PendingReason["matching"],
): Pick<jobs.PendingReason, "code" | "message" | "matching"> {
  const seenMs = (daemon: KnownDaemon) => daemon.lastSeenAt?.getTime() ?? 0;
  const last = matching.reduce((a, b) => (seenMs(b) > seenMs(a) ? b : a));
  const since = last.lastSeenAt ? ` since ${inWords(last.lastSeenAt)}` : "";
  const who =
    matching.length === 1
      ? `${last.name}, the only provisioner daemon that fits, is offline${since}.`
      : `All ${matching.length} provisioner daemons that fit are offline, the last of them, ${last.name},${since}.`;
  return {
    code: "offline",
    message: `${who} Start it, or another: ${startCommand(job.tags)}`,
    matching: {
      ...counts,
      last_seen: { name: last.name, ...(last.lastSeenAt ? { at: last.lastSeenAt.toISOString() } : {}) },
    },
  };
}

function nobodyMatches(
  job: PendingJob,
  daemons: readonly KnownDaemon[],
): Pick<jobs.PendingReason, "code" | "message" | "nearest"> {
  const live = daemons.filter(({ isLive }) => isLive);
  const remedy = `Start one: ${startCommand(job.tags)}`;
  if (live.length === 0) {
    return {
      code: "no_daemons",
      message: `No provisioner daemon is connected in this organization. ${remedy}`,
    };
  }
  const able = live
    .filter(({ provisioners }) => provisioners.includes(job.provisioner))
    .map((daemon) => ({ daemon, problems: explainTags(daemon.tags, job.tags) }))
    .sort((a, b) => a.problems.length - b.problems.length);
  const nearest = able[0];
  if (!nearest) {
    return {
      code: "no_match",
      message: `No connected provisioner daemon runs ${job.provisioner} jobs. ${remedy}`,
    };
  }
  return {
    code: "no_match",
    message:
      `No provisioner daemon ${wantedDaemon(job.tags)} is connected; ` +
      `the nearest, ${nearest.daemon.name}, ${describeTagProblems(nearest.problems)}. ${remedy}`,
    nearest: { id: nearest.daemon.id, name: nearest.daemon.name, missing: missing(nearest.problems) },
  };
}

function wantedDaemon(jobTags: PendingJob["tags"]): string {
  const own = ownTags(jobTags);
  const hasOwn = Object.keys(own).length > 0;
  // The untagged rule is for jobs of the organization only.
  if (jobTags.scope === "user")
    return `of the job's owner${hasOwn ? ` with tags ${JSON.stringify(own)}` : ""}`;
  return hasOwn ? `with tags ${JSON.stringify(own)}` : "without tags";
}

function missing(problems: readonly TagProblem[]): Record<string, string> {
  return Object.fromEntries(
    problems.flatMap((problem) => (problem.kind === "not_untagged" ? [] : [[problem.tag, problem.wanted]])),
  );
}

/**
 * A daemon with room takes a job at once: while one waits, what runs is all that the daemons have room for. Each of
 * those places becomes free once in the usual time of a job.
 */
function estimate({ position, durationMs }: Queued, live: readonly KnownDaemon[]): number | null {
  if (durationMs === null) return null;
  const places = live.reduce((sum, { running }) => sum + Math.max(1, running), 0);
  return Math.round((durationMs * position) / places);
}

// No "5 minutes ago": the text would change while nothing else does.
const inWords = (at: Date) => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;

function roughly(ms: number): string {
  if (ms < 45_000) return "less than a minute";
  const minutes = Math.round(ms / 60_000);
  if (minutes < 90) return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
  return `about ${Math.round(ms / 3_600_000)} hours`;
}
