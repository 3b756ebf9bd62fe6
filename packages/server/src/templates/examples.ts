import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { templates } from "@slipway/api";
import { parseReadmeFrontMatter } from "@slipway/template";

/** The starter templates of this installation: one directory each, named by its id. */
const examplesDirectory = fileURLToPath(new URL("../../../../examples/", import.meta.url));

export type Example = templates.TemplateExample & { directory: string };

/** The starter templates by id. A directory counts when it has a README. */
export async function listExamples(directory = examplesDirectory): Promise<Example[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(nothingIfMissing);
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const examples = await Promise.all(ids.toSorted().map((id) => readExample(directory, id)));
  return examples.filter((example) => example !== null);
}

export async function findExample(id: string): Promise<Example | null> {
  return (await listExamples()).find((example) => example.id === id) ?? null;
}

async function readExample(parent: string, id: string): Promise<Example | null> {
  const directory = join(parent, id);
  const text = await readFile(join(directory, "README.md"), "utf8").catch(nothingIfMissing);
  if (typeof text !== "string") return null;
  const readme = parseReadmeFrontMatter(text);
  return {
    id,
    url: "",
    name: readme.displayName ?? id,
    description: readme.description ?? "",
    icon: readme.icon ?? "",
    tags: readme.tags ?? [],
    markdown: readme.body,
    directory,
  };
}

function nothingIfMissing(error: unknown): [] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}
