import type { Option as ServerOption, ServerOptionKey } from "@slipway/server";
import { type Command, Option } from "commander";

type Entry = readonly [ServerOptionKey, ServerOption];

/** `--verbose` is a global flag already. */
const own = new Set(["verbose"]);

/**
 * Declares the server's options as flags, grouped as the server groups them. Values stay text: the server parses
 * flags, environment and YAML with one set of rules.
 */
export function declareServerFlags(command: Command, entries: readonly Entry[]): void {
  for (const [, option] of entries) {
    if (own.has(option.flag)) continue;
    const shorthand = option.shorthand ? `-${option.shorthand}, ` : "";
    const value =
      option.kind === "bool" ? " [value]" : ` <${option.choices ? option.choices.join("|") : option.kind}>`;
    const initial = option.secret ? "" : option.format(option.default);
    const shown = initial === "" || initial === "false" ? "" : ` (default: ${initial})`;
    const declared = new Option(
      `${shorthand}--${option.flag}${value}`,
      `${option.description}${shown} (env: ${option.env})`,
    ).helpGroup(`${option.group.name}:`);
    if (option.kind === "list") {
      declared.argParser((text: string, previous: string[] | undefined) => [...(previous ?? []), text]);
    }
    if (option.hidden) declared.hideHelp();
    command.addOption(declared);
  }
}

/** The flags that were given, by the server's names of its options. */
export function readServerFlags(
  command: Command,
  entries: readonly Entry[],
): Partial<Record<ServerOptionKey, string | boolean | string[]>> {
  const flags: Partial<Record<ServerOptionKey, string | boolean | string[]>> = {};
  const values: Record<string, string | boolean | string[]> = command.opts();
  for (const [key, option] of entries) {
    const value = own.has(option.flag) ? undefined : values[new Option(`--${option.flag}`).attributeName()];
    if (value !== undefined) flags[key] = value;
  }
  return flags;
}
