/** Who is served first: people, then schedules, then prebuilds, which nobody waits for yet. */
export const jobPriority = { people: 0, automatic: 1, prebuild: 2 } as const;

/** The system user who asks for prebuilds, and owns them until somebody claims one (rest-api.md 7). */
export const prebuildsUserId = "c42fdf75-3097-471c-8c33-fb52454d81c0";

/** Reasons of builds that no person has asked for. */
const automaticReasons: readonly string[] = ["autostart", "autostop", "dormancy", "autodelete"];

/** The priority of a build's job: by who wants it, and why. */
export function buildPriority(build: { initiatorId: string; reason: string }): number {
  if (build.initiatorId === prebuildsUserId) return jobPriority.prebuild;
  return automaticReasons.includes(build.reason) ? jobPriority.automatic : jobPriority.people;
}
