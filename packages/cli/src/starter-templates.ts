import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sourceRoot } from "./binaries/source-root.ts";
import { CliError } from "./cli-error.ts";

export type StarterTemplate = { id: string; name: string; description: string };

const directory = join(sourceRoot, "examples");

/** The templates of `examples/`: no server is needed to begin with one. */
export async function starterTemplates(): Promise<StarterTemplate[]> {
  const { parseReadmeFrontMatter } = await import("@slipway/template");
  const entries = await readdir(directory, { withFileTypes: true }).catch((err: unknown) => {
    throw new CliError("This program comes without the starter templates.", {
      hint: "Run the command from a clone of Slipway, or fetch the folder examples/ of its repository.",
      cause: err,
    });
  });
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    ids.toSorted().map(async (id) => {
      const readme = parseReadmeFrontMatter(await readFile(join(directory, id, "README.md"), "utf8"));
      return { id, name: readme.displayName ?? id, description: readme.description ?? "" };
    }),
  );
}

/** Copies a starter template into a directory that is new or empty. */
export async function copyStarterTemplate(id: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  if ((await readdir(target)).length > 0) {
    throw new CliError(`${target} is not empty.`, { hint: "Name another directory for the template." });
  }
  await cp(join(directory, id), target, { recursive: true });
}
