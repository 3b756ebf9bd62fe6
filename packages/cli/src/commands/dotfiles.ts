import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { Option } from "commander";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { findInstallScript } from "../dotfiles/find-install-script.ts";
import { linkDotfiles } from "../dotfiles/link-dotfiles.ts";
import { runProgram } from "../dotfiles/run-program.ts";
import { updateRepository } from "../dotfiles/update-repository.ts";
import { confirm } from "../prompt.ts";

type DotfilesFlags = { symlinkDir?: string; branch?: string; repoDir: string; yes?: boolean };

/** `coder dotfiles REPO`: clones or updates the repository, then runs its script or links its dot-files. */
export const configure: Configure = (command, cli) => {
  command.argument("<repo>", "URL of the repository, as git knows it");
  command.addOption(
    new Option("--symlink-dir <dir>", "where links are made; the home directory unless given").env(
      "CODER_SYMLINK_DIR",
    ),
  );
  command.option("-b, --branch <branch>", "branch of the repository; its default unless given");
  command.addOption(
    new Option("--repo-dir <dir>", "directory of the clone, below the configuration directory")
      .env("CODER_DOTFILES_REPO_DIR")
      .default("dotfiles"),
  );
  command.option("-y, --yes", "do not ask");
  command.action((repository: string, flags: DotfilesFlags) => installDotfiles(cli, repository, flags));
};

async function installDotfiles(cli: Cli, repository: string, flags: DotfilesFlags): Promise<void> {
  const directory = isAbsolute(flags.repoDir) ? flags.repoDir : join(cli.config.path, flags.repoDir);
  await confirm(
    cli,
    flags.yes,
    `Clone ${repository} to ${directory}, and run its install script or link its dot-files over yours?`,
  );
  await updateRepository({ repository, branch: flags.branch, directory, cli });
  await cli.config.write("dotfilesurl", repository);

  const script = await findInstallScript(directory);
  if (script !== undefined) {
    cli.say(`Running ${script.name}…`);
    // A script that is not executable is meant for a shell.
    const argv = script.isExecutable ? [script.path] : ["/bin/sh", script.path];
    const code = await runProgram(argv, { cwd: directory, signal: cli.signal });
    if (code !== 0) {
      throw new CliError(`${script.name} of the dot-files ended with status ${code}.`, { exitCode: code });
    }
  } else {
    const home = cli.env.HOME || homedir();
    const target = flags.symlinkDir === undefined ? home : resolve(flags.symlinkDir);
    const linked = await linkDotfiles({ directory, target, say: cli.say });
    cli.say(`Linked ${linked} dot-file${linked === 1 ? "" : "s"} into ${target}.`);
  }
  cli.say("Dot-files are in place.");
}
