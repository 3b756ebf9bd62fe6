import { tagsMatch } from "@slipway/template";

export type KnownDaemon = { provisioners: readonly string[]; tags: Readonly<Record<string, string>> };

/**
 * Why a pending job is not taken, in words for people: nobody is there, nobody matches and which tag the
 * nearest daemon lacks, or all that match are busy (architecture.md, "Job states").
 */
export function pendingReason(
  job: { provisioner: string; tags: Readonly<Record<string, string>> },
  live: readonly KnownDaemon[],
  queue: { position: number; size: number },
): string {
  if (live.length === 0) return "No provisioner daemon is connected in this organization. Start one.";
  const able = live.filter(({ provisioners }) => provisioners.includes(job.provisioner));
  if (able.length === 0) return `No connected provisioner daemon runs ${job.provisioner} jobs.`;
  if (!able.some((daemon) => tagsMatch(daemon.tags, job.tags))) return noMatch(job.tags, able);
  // Not in the queue any more when the ranks were read: somebody is taking it right now.
  if (queue.position === 0) return "A provisioner daemon is taking the job.";
  return `All matching provisioner daemons are busy; the job is number ${queue.position} of ${queue.size} in the queue.`;
}

function noMatch(tags: Readonly<Record<string, string>>, able: readonly KnownDaemon[]): string {
  const own = Object.entries(tags).filter(([name]) => name !== "scope" && name !== "owner");
  if (own.length === 0 && tags.scope !== "user") {
    return "The job has no tags, and every connected provisioner daemon has some: those take only jobs with tags. Start one without tags.";
  }
  const lacking = able
    .map((daemon) => Object.entries(tags).filter(([name, value]) => daemon.tags[name] !== value))
    .sort((a, b) => a.length - b.length)[0];
  const missing = (lacking ?? []).map(([name, value]) => `${name}=${value}`).join(", ");
  return `No provisioner daemon with tags ${JSON.stringify(tags)} is connected; the nearest lacks ${missing}. Start one with ${(
    lacking ?? []
  )
    .map(([name, value]) => `--tag ${name}=${value}`)
    .join(" ")}.`;
}
