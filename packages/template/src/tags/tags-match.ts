/**
 * Whether a daemon of the same organization and type may run a job (provisioning.md §2.1). The queue's SQL is
 * held against this function in tests.
 */
export function tagsMatch(
  daemonTags: Readonly<Record<string, string>>,
  jobTags: Readonly<Record<string, string>>,
): boolean {
  if (isUntagged(jobTags)) return isUntagged(daemonTags);
  return Object.entries(jobTags).every(
    ([key, value]) => Object.hasOwn(daemonTags, key) && daemonTags[key] === value,
  );
}

/** Exactly `{scope: organization, owner: ""}`: only daemons without tags of their own take such jobs. */
function isUntagged(tags: Readonly<Record<string, string>>): boolean {
  return Object.keys(tags).length === 2 && tags.scope === "organization" && tags.owner === "";
}
