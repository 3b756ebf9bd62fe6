import { Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { currentShell, installCompletion } from "../completion/install.ts";
import { completionScript, type Shell, shells } from "../completion/shell-scripts.ts";

export const configure: Configure = (command, cli) => {
  command
    .addOption(new Option("-s, --shell <shell>", "the shell (default: the one that runs)").choices(shells))
    .option("-p, --print", "print the script instead of installing it");
  command.action(async (options: { shell?: Shell; print?: boolean }) => {
    const shell = options.shell ?? currentShell(cli.env);
    if (!shell) {
      throw new CliError("The shell is not known.", { hint: `Name it with --shell: ${shells.join(", ")}.` });
    }
    if (options.print) {
      cli.print(completionScript(shell));
      return;
    }
    const file = await installCompletion(shell, cli.env);
    cli.say(
      `Installed the completion for ${shell} in ${file}. It works in shells that you open from now on.`,
    );
  });
};
