import { parseDuration } from "@slipway/api/client";
import { type Command, Option } from "commander";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { readWords } from "./command-line-words.ts";

type SwitchSettings = { env?: string; initial?: boolean; hidden?: boolean };

/**
 * Adds a flag without a value. Its variable is read as Go reads booleans (commander takes any text, `false` too,
 * for true), and a hidden `--no-…` twin serves `--name=false`, which {@link plainSwitches} rewrites to it.
 */
export function addSwitch(
  command: Command,
  cli: Cli,
  flags: string,
  description: string,
  settings: SwitchSettings = {},
): void {
  const { env, hidden } = settings;
  const name = longName(flags);
  const fromEnv = env === undefined ? undefined : readBoolean(env, cli.env[env]);
  const option = new Option(flags, env === undefined ? description : `${description} (env: ${env})`);
  if (hidden) option.hideHelp();
  if (name.startsWith("no-")) {
    command.addOption(option);
    if (fromEnv) command.setOptionValueWithSource(option.attributeName(), false, "env");
    return;
  }
  if (settings.initial !== undefined) option.default(settings.initial);
  command.addOption(option);
  if (fromEnv !== undefined) command.setOptionValueWithSource(option.attributeName(), fromEnv, "env");
  command.addOption(new Option(`--no-${name}`).hideHelp());
}

/** A repeatable option whose occurrences, and whose variable, may hold several values with commas between them. */
export function listOption(flags: string, description: string, env?: string): Option {
  const option = new Option(flags, description).argParser(
    (value: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      ...value
        .split(",")
        .map((one) => one.trim())
        .filter(Boolean),
    ],
  );
  return env === undefined ? option : option.env(env);
}

/** A repeatable `name=value` option; see {@link splitAssignments} for commas. */
export function assignmentsOption(flags: string, description: string, env?: string): Option {
  const option = new Option(flags, description).argParser(
    (value: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      ...splitAssignments(value),
    ],
  );
  return env === undefined ? option : option.env(env);
}

/** A whole number. */
export function numberOption(flags: string, description: string, env?: string): Option {
  const option = new Option(flags, description).argParser((value: string) => {
    if (!/^-?\d+$/.test(value)) {
      throw new CliError(`--${longName(flags)}: "${value}" is not a whole number.`);
    }
    return Number(value);
  });
  return env === undefined ? option : option.env(env);
}

/** Reads a duration as Go writes it (`1h30m`), with days and years besides; returns milliseconds. */
export function readDuration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 0) {
    throw new CliError(`${flag}: "${text}" is not a duration.`, { hint: "Write it like 8h, 1h30m or 30d." });
  }
  return ms;
}

/**
 * Rewrites `--flag=true` and `--flag=false` of flags without a value, and `-o=json`, to the forms that commander knows;
 * scripts made for Go programs write them so.
 */
export function plainSwitches(argv: readonly string[], command: Command): string[] {
  const switches = new Set(
    command.options.filter((one) => !one.required && !one.optional).map((one) => one.long),
  );
  const valued = new Set(command.options.filter((one) => one.required).map((one) => one.short));
  return readWords(argv, command).flatMap(({ text, isValue, isBehindDashes }): string[] => {
    const match = isValue || isBehindDashes ? null : /^(--[a-z][a-z0-9-]*|-[a-zA-Z])=(.*)$/s.exec(text);
    const [, flag = "", value = ""] = match ?? [];
    if (match && valued.has(flag)) return [flag, value];
    if (!match || !switches.has(flag)) return [text];
    if (readBoolean(flag, value)) return [flag];
    const opposite = `--no-${flag.slice(2)}`;
    return switches.has(opposite) ? [opposite] : [];
  });
}

/**
 * Splits the value of a repeatable `name=value` flag as Coder does, by the rules of CSV, but only where that is
 * meant: a value with quotes around it, or one whose every part is an assignment of its own. So
 * `zones=["a","b"]` needs no quoting.
 *
 * @example
 * splitAssignments("cpu=2,ram=8") // ["cpu=2", "ram=8"]
 * splitAssignments('"note=a,b",cpu=2') // ["note=a,b", "cpu=2"]
 */
export function splitAssignments(value: string): string[] {
  if (value === "") return [];
  const isAssignment = (part: string) => /^[\p{L}\p{N}_][\p{L}\p{N}_ .-]*=/u.test(part);
  if (value.startsWith('"')) {
    const parts = readCsvLine(value);
    if (parts?.every(isAssignment)) return parts;
  }
  const parts = value.split(",");
  return parts.length > 1 && parts.every(isAssignment) ? parts : [value];
}

function readCsvLine(line: string): string[] | null {
  const parts: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  while (field.lastIndex <= line.length) {
    const match = field.exec(line);
    if (!match) return null;
    parts.push(match[1] === undefined ? (match[2] ?? "") : match[1].replaceAll('""', '"'));
    if (match[3] === "") return parts;
  }
  return parts;
}

/** Reads `name=value` pairs into a map; the flag is named in the error. */
export function readAssignments(flag: string, lines: readonly string[] | undefined): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines ?? []) {
    const at = line.indexOf("=");
    if (at < 1) throw new CliError(`${flag}: "${line}" is not of the form name=value.`);
    values.set(line.slice(0, at).trim(), line.slice(at + 1));
  }
  return values;
}

const truths = new Map([
  ...["1", "t", "true", "yes"].map((word) => [word, true] as const),
  ...["0", "f", "false", "no"].map((word) => [word, false] as const),
]);

function readBoolean(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  const value = truths.get(text.toLowerCase());
  if (value === undefined) throw new CliError(`${name}: "${text}" is neither true nor false.`);
  return value;
}

function longName(flags: string): string {
  return /--([a-z0-9-]+)/.exec(flags)?.[1] ?? flags;
}
