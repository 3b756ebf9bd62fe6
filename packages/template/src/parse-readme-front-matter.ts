import { parse } from "yaml";

/** What a template's README says about it in its front matter; `body` is the text below. */
export type Readme = {
  displayName?: string;
  description?: string;
  icon?: string;
  tags?: string[];
  body: string;
};

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?\r?\n)?---[ \t]*(?:\r?\n|$)/;
const MAX_FRONT_MATTER_BYTES = 64 * 1024;

/** Splits a README into front matter and body. A README that breaks the YAML is shown whole, not refused. */
export function parseReadmeFrontMatter(readme: string): Readme {
  const text = readme.startsWith("\uFEFF") ? readme.slice(1) : readme;
  const match = FRONT_MATTER.exec(text);
  if (match === null || match[0].length > MAX_FRONT_MATTER_BYTES) return { body: text };
  const fields = parseFields(match[1] ?? "");
  if (fields === null) return { body: text };
  const result: Readme = { body: text.slice(match[0].length).replace(/^\s*\n/, "") };
  const displayName = textOf(fields.display_name) ?? textOf(fields.name);
  if (displayName !== undefined) result.displayName = displayName;
  const description = textOf(fields.description);
  if (description !== undefined) result.description = description;
  const icon = textOf(fields.icon);
  if (icon !== undefined) result.icon = icon;
  if (Array.isArray(fields.tags)) result.tags = fields.tags.filter((tag) => typeof tag === "string");
  return result;
}

function parseFields(yaml: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = parse(yaml, { maxAliasCount: 0, logLevel: "error" });
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
    return Object.fromEntries(Object.entries(parsed));
  } catch {
    // Not front matter after all: a README may begin with a ruled line.
    return null;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
