import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CommandEntry } from "./command-tree.ts";
import { commands } from "./commands.ts";
import { createProgram } from "./program.ts";
import { testCli } from "./testing/test-cli.ts";

const directory = join(import.meta.dirname, "testdata/golden");

const paths = [[], ...commandPaths(commands)];

test.each(paths.map((path) => ({ path, line: ["coder", ...path].join(" ") })))(
  "$line --help",
  async ({ path }) => {
    const { cli } = testCli();
    const { leaf } = await createProgram(cli, path);
    let help = "";
    leaf.configureOutput({ writeOut: (text) => void (help += text), getOutHelpWidth: () => 80 }).outputHelp();
    const file = join(directory, `${path.join("_") || "coder"}.golden`);
    if (process.env.UPDATE_GOLDEN) {
      await mkdir(directory, { recursive: true });
      await writeFile(file, help);
    }
    expect(help, "UPDATE_GOLDEN=1 rewrites the file").toBe(await readFile(file, "utf8"));
  },
);

function commandPaths(entries: readonly CommandEntry[], above: readonly string[] = []): string[][] {
  return entries
    .filter((entry) => !entry.hidden)
    .flatMap((entry) => {
      const path = [...above, entry.name];
      return [path, ...commandPaths(entry.children ?? [], path)];
    });
}
