import { getEventListeners } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { CommanderError } from "commander";
import { version } from "./build-info.ts";
import { createCli } from "./cli.ts";
import { CliError, ExitStatus } from "./cli-error.ts";
import { readWords } from "./command-line-words.ts";
import { globalWords, readGlobalOptions } from "./global-options.ts";
import { plainSwitches } from "./options.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command line and returns the exit status: 0, the status that the command chose, or 1 with the error
 * on stderr.
 */
export async function run(argv: readonly string[]): Promise<number> {
  // Whoever reads our output may stop early, as `head` does: that is no error of ours.
  process.stdout.on("error", (err: NodeJS.ErrnoException) => {
    if (err.code === "EPIPE") process.exit(0);
    throw err;
  });
  let globals = readGlobalOptions(argv, process.env);
  const interrupted = new AbortController();
  const start = async () => {
    const cli = createCli({
      globals,
      env: process.env,
      signal: interrupted.signal,
      self: process.env.SLIPWAY_SELF || "coder",
    });
    return { cli, ...(await createProgram(cli, argv)) };
  };
  const onSignal = (signal: NodeJS.Signals) => {
    const exitCode = signal === "SIGINT" ? 130 : 143;
    // The first signal is for whoever listens for it, to end in order; the second ends the program, as the first
    // does when nobody listens.
    const isHeard = getEventListeners(interrupted.signal, "abort").length > 0;
    if (interrupted.signal.aborted || !isHeard) process.exit(exitCode);
    interrupted.abort(new CliError(`Interrupted by ${signal}.`, { exitCode }));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    let started = await start();
    // The global flags were read before the command was known: what looked like one may be its own, or a value of it.
    const exact = readGlobalOptions(globalWords(argv, started.leaf), process.env);
    if (!isDeepStrictEqual(exact, globals)) {
      globals = exact;
      started = await start();
    }
    const { cli, program, leaf, isBareGroup } = started;
    const options = readWords(argv, leaf).filter(
      ({ isValue, isBehindDashes }) => !isValue && !isBehindDashes,
    );
    if (leaf === program && options.some(({ text }) => text === "--version")) {
      cli.print(`Coder ${version}`);
      return 0;
    }
    // A group by itself is not an error: it shows what it has.
    if (isBareGroup && !argv.some((word) => word.startsWith("-"))) {
      leaf.outputHelp();
      return 0;
    }
    await program.parseAsync(plainSwitches(argv, leaf), { from: "user" });
    return 0;
  } catch (err) {
    return await report(err, globals.verbose);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
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
    // One line for each mistake in a template.
    if (err.detail) lines.push(...err.detail.split("\n").map((line) => `  ${line}`));
    for (const one of err.validations) lines.push(`  ${one.field}: ${one.detail}`);
    if (err.status === 401) lines.push("Try logging in using 'coder login'.");
    return lines;
  }
  if (err instanceof Error && err.name === "AbortError") return ["error: interrupted"];
  return [`error: ${err instanceof Error ? err.message : String(err)}`];
}
