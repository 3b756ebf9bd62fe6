/** Tags of a job or a daemon, as the queue compares them. */
export type Tags = Record<string, string>;

/**
 * Merges tags and settles their scope (provisioning.md §2.3). A later value replaces an earlier one unless it
 * is empty. User scope belongs to `userId`, whatever owner was asked for; every other scope is the organization's.
 */
export function normalizeTags(
  userId: string,
  ...maps: (Readonly<Record<string, string>> | null | undefined)[]
): Tags {
  // No prototype: a tag named "__proto__" is a tag like any other.
  const tags: Tags = Object.create(null);
  for (const map of maps) {
    for (const [key, value] of Object.entries(map ?? {})) {
      if (value !== "" || tags[key] === undefined) tags[key] = value;
    }
  }
  const isUserScope = tags.scope === "user";
  tags.scope = isUserScope ? "user" : "organization";
  tags.owner = isUserScope ? userId : "";
  return { ...tags };
}
