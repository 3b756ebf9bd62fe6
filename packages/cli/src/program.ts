import { Command, Option } from "commander";
import type { Cli } from "./cli.ts";
import { type CommandEntry, resolveEntries } from "./command-tree.ts";
import { commands } from "./commands.ts";
import { addGlobalOptions, commandWords } from "./global-options.ts";
import { helpLayout } from "./help-layout.ts";
import { printOptionsInstead } from "./option-rows.ts";

export type Program = {
  program: Command;
  /** The command that the line names, or the program itself. */
  leaf: Command;
  /** The line ends with a group: nothing to run, but something to show. */
  isBareGroup: boolean;
};

/** Builds the tree of commands; only the one that the command line names is loaded with its options. */
export async function createProgram(cli: Cli, argv: readonly string[]): Promise<Program> {
  const program = new Command("coder");
  program
    .description("Slipway: workspaces on your own infrastructure. Speaks the language of Coder.")
    .usage("[global options] <command>")
    .showSuggestionAfterError()
    // A flag belongs to the command before it: `templates pull NAME --version latest` is not about the program.
    .enablePositionalOptions()
    .showHelpAfterError("(add --help for the options)")
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({ writeErr: (text) => void cli.stderr.write(text) });
  addGlobalOptions(program);
  program.option("--version", "print the version").helpCommand(false);
  const words = commandWords(argv);
  const path = resolveEntries(commands, words);
  const leaf = await addEntries(program, commands, path, cli, argv);
  const last = path.at(-1);
  if (cli.globals.debugOptions && leaf === program) printOptionsInstead(cli, program, argv);
  const isGroup = last === undefined || (last.children !== undefined && last.load === undefined);
  return { program, leaf, isBareGroup: isGroup && words.length === path.length };
}

async function addEntries(
  parent: Command,
  entries: readonly CommandEntry[],
  path: readonly CommandEntry[],
  cli: Cli,
  argv: readonly string[],
): Promise<Command> {
  const [next, ...rest] = path;
  let leaf = parent;
  for (const entry of entries) {
    const command = parent.command(entry.name, entry.hidden ? { hidden: true } : {}).summary(entry.summary);
    command
      .description(entry.summary)
      .aliases([...(entry.aliases ?? [])])
      .exitOverride()
      .helpCommand(false)
      .showSuggestionAfterError();
    if (entry !== next) continue;
    command.addHelpText("after", "\nThe flags that every command accepts: coder --help");
    leaf = command;
    if (entry.children) {
      command.enablePositionalOptions();
      leaf = await addEntries(command, entry.children, rest, cli, argv);
    }
    const loaded = await entry.load?.();
    await loaded?.configure(command, cli);
    forgetEmptyVariables(command, cli);
    addGlobalOptionsQuietly(command);
    if (cli.globals.debugOptions && leaf === command)
      printOptionsInstead(cli, command, argv, loaded?.optionRows);
  }
  return leaf;
}

/** An empty variable counts as unset, as in `CODER_SSH_WAIT=${WAIT:-}`; commander takes it for a value. */
function forgetEmptyVariables(command: Command, cli: Cli): void {
  for (const option of command.options) {
    if (option.envVar !== undefined && cli.env[option.envVar] === "") delete option.envVar;
  }
}

// Global flags may stand behind the command's name as well; their values were read before the parse. Where a
// command gives a letter or a name a meaning of its own, that one holds.
function addGlobalOptionsQuietly(command: Command): void {
  const globals = new Command();
  addGlobalOptions(globals);
  const isTaken = (flag: string | undefined) =>
    flag !== undefined && command.options.some((one) => one.short === flag || one.long === flag);
  for (const option of globals.options) {
    if (isTaken(option.long)) continue;
    if (isTaken(option.short)) command.addOption(new Option(option.long ?? option.flags).hideHelp());
    else command.addOption(option.hideHelp());
  }
}
