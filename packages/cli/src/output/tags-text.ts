/** Tags in the order of their keys: `map[owner: scope:organization]`, as Coder prints them. */
export function tagsText(tags: Readonly<Record<string, string>>): string {
  const parts = Object.keys(tags)
    .toSorted()
    .map((key) => `${key}:${tags[key] ?? ""}`);
  return `map[${parts.join(" ")}]`;
}
