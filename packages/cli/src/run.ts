import { Command, CommanderError } from "commander";
import { version } from "./build-info.ts";
import { createCli } from "./cli.ts";
import { CliError, ExitStatus } from "./cli-error.ts";
import { type CommandEntry, resolveEntries } from "./command-tree.ts";
import { commands } from "./commands.ts";
import { addGlobalOptions, commandWords, readGlobalOptions } from "./global-options.ts";

/**
 * Runs one command line and returns the exit status: 0, the status that the command chose, or 1 with the error
 * on stderr.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const globals = readGlobalOptions(argv, process.env);
  const interrupted = new AbortController();
  const cli = createCli({
    globals,
    env: process.env,
    signal: interrupted.signal,
    self: process.env.SLIPWAY_SELF || "coder",
  });
  const path = resolveEntries(commands, commandWords(argv));
  const onSignal = (signal: NodeJS.Signals) => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(
      new CliError(`Interrupted by ${signal}.`, { exitCode: signal === "SIGINT" ? 130 : 143 }),
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const program = new Command("coder");
    program
      .description("Slipway: workspaces on your own infrastructure. Speaks the language of Coder.")
      .usage("[global options] <command>")
      .showSuggestionAfterError()
      .showHelpAfterError("(add --help for the options)")
      .exitOverride()
      .configureOutput({ writeErr: (text) => void process.stderr.write(text) });
    addGlobalOptions(program);
    program.option("--version", "print the version").helpCommand(false);
    await addEntries(program, commands, path, (command, entry) =>
      entry.load?.().then((it) => it.configure(command, cli)),
    );
    if (argv.includes("--version") && path.length === 0) {
      cli.print(`Coder ${version}`);
      return 0;
    }
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (err) {
    return await report(err, globals.verbose);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function addEntries(
  parent: Command,
  entries: readonly CommandEntry[],
  path: readonly CommandEntry[],
  load: (command: Command, entry: CommandEntry) => Promise<void> | undefined,
): Promise<void> {
  const [next, ...rest] = path;
  for (const entry of entries) {
    const command = parent.command(entry.name, entry.hidden ? { hidden: true } : {}).summary(entry.summary);
    command
      .description(entry.summary)
      .aliases([...(entry.aliases ?? [])])
      .exitOverride()
      .helpCommand(false)
      .showSuggestionAfterError();
    command.configureHelp({ showGlobalOptions: entry === next });
    if (entry !== next) continue;
    if (entry.children) {
      await addEntries(command, entry.children, rest, load);
      // A group by itself is not an error: it shows what it has.
      if (!entry.load) command.action((_options, self: Command) => unknownSubcommand(self));
    }
    addGlobalOptionsQuietly(command);
    await load(command, entry);
  }
}

// Global flags may stand behind the command's name as well; their values were read before the parse.
function addGlobalOptionsQuietly(command: Command): void {
  const own = new Command();
  addGlobalOptions(own);
  for (const option of own.options) command.addOption(option.hideHelp());
}

function unknownSubcommand(command: Command): void {
  const word = command.args[0];
  if (word === undefined) {
    command.outputHelp();
    return;
  }
  throw new CliError(`unknown command "${word}" for "${fullName(command)}"`, {
    hint: `See ${fullName(command)} --help.`,
  });
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

async function report(err: unknown, verbose: boolean): Promise<number> {
  if (err instanceof ExitStatus) return err.exitCode;
  // Commander has printed its own message, with a suggestion where it has one.
  if (err instanceof CommanderError) return err.exitCode;
  const lines = await describeError(err);
  process.stderr.write(`${lines.join("\n")}\n`);
  if (verbose && err instanceof Error) process.stderr.write(`${err.stack ?? ""}\n`);
  return err instanceof CliError ? err.exitCode : 1;
}

/** The lines that a person sees of an error: what happened, details, and the next step. */
export async function describeError(err: unknown): Promise<string[]> {
  if (err instanceof CliError) return [`error: ${err.message}`, ...(err.hint ? [err.hint] : [])];
  const { ApiResponseError } = await import("@slipway/api/client");
  if (err instanceof ApiResponseError) {
    const lines = [`error: ${err.message}`, `  ${err.method} ${err.url}: ${err.status}`];
    if (err.detail) lines.push(`  ${err.detail}`);
    for (const one of err.validations) lines.push(`  ${one.field}: ${one.detail}`);
    if (err.status === 401) lines.push("Try logging in using 'coder login'.");
    return lines;
  }
  if (err instanceof Error && err.name === "AbortError") return ["error: interrupted"];
  return [`error: ${err instanceof Error ? err.message : String(err)}`];
}
