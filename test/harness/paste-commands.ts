import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { cleanEnvironment, type Finished, finished } from "./coder-process.ts";

const docs = join(import.meta.dirname, "../../docs");

/** The text of all blocks of a page that are marked as commands: "sh", or "sh vm" for those on another machine. */
export async function commandsOf(page: string, mark = "sh"): Promise<string[]> {
  const markdown = await readFile(join(docs, page), "utf8");
  return Array.from(
    markdown.matchAll(new RegExp(`^\`\`\`${mark}\\n([\\s\\S]*?)^\`\`\``, "gm")),
    (match) => match[1] ?? "",
  );
}

/** One script that ends at the first command which fails, and shows each of them. */
export function scriptOf(commands: readonly string[]): string {
  return `set -euo pipefail\nset -x\n${commands.join("\n")}`;
}

/** Pages build images and fetch programs. */
const pageMs = 550_000;

/** Runs commands as a reader pastes them, one after the other into one shell. */
export async function paste(
  commands: readonly string[],
  { cwd, env, binDir }: { cwd: string; env: Record<string, string>; binDir: string },
): Promise<Finished> {
  const child = spawn("bash", ["-c", scriptOf(commands)], {
    cwd,
    env: { ...cleanEnvironment(), ...env, PATH: `${binDir}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = await finished(child, undefined, pageMs);
  expect(result, result.stderr.slice(-4000)).toMatchObject({ code: 0 });
  return result;
}
