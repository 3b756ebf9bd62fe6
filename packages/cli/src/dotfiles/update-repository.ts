import { execFile } from "node:child_process";
import { mkdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { runProgram } from "./run-program.ts";

export type Repository = {
  repository: string;
  branch: string | undefined;
  directory: string;
  cli: Pick<Cli, "say" | "signal">;
};

/**
 * Clones the repository, or brings an earlier clone of it up to date. A directory that holds something else is kept
 * beside it. Whatever the caller's text holds, git takes it for a name and never for an option.
 */
export async function updateRepository({ repository, branch, directory, cli }: Repository): Promise<void> {
  const git = async (args: string[]) => {
    const code = await runProgram(["git", ...args], { signal: cli.signal });
    if (code !== 0)
      throw new CliError(`git ${args[0] === "-C" ? args[2] : args[0]} ended with status ${code}.`);
  };
  if (await exists(directory)) {
    if ((await remoteOf(directory)) === repository) {
      cli.say(`Updating ${directory}…`);
      if (branch !== undefined) {
        await git([
          "-C",
          directory,
          "fetch",
          "--",
          "origin",
          `+refs/heads/${branch}:refs/remotes/origin/${branch}`,
        ]);
        await git(["-C", directory, "checkout", "-q", "-B", branch, `refs/remotes/origin/${branch}`, "--"]);
      } else {
        await git(["-C", directory, "pull", "--ff-only"]);
      }
      return;
    }
    const kept = `${directory}_backup_${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
    cli.say(`${directory} holds something else; it is kept as ${kept}.`);
    await rename(directory, kept);
  }
  await mkdir(dirname(directory), { recursive: true });
  await git([
    "clone",
    ...(branch === undefined ? [] : [`--branch=${branch}`]),
    "--recurse-submodules",
    "--",
    repository,
    directory,
  ]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function remoteOf(directory: string): Promise<string | undefined> {
  if (!(await exists(join(directory, ".git")))) return undefined;
  try {
    const { stdout } = await promisify(execFile)("git", ["-C", directory, "config", "remote.origin.url"]);
    return stdout.trim();
  } catch {
    // No such remote: not a clone of ours.
    return undefined;
  }
}
