import type { Option as ServerOption, ServerOptionKey } from "@slipway/server";
import { type Command, Option } from "commander";

type Entry = readonly [ServerOptionKey, ServerOption];

/**
 * Declares the server's options as flags, grouped as the server groups them. Values stay text: the server parses
 * flags, environment and YAML with one set of rules.
 */
export function declareServerFlags(
  command: Command,
  entries: readonly Entry[],
): () => Partial<Record<ServerOptionKey, string | boolean | string[]>> {
  const keys = new Map<string, ServerOptionKey>();
  const own = new Set(["verbose"]);
  for (const [key, option] of entries) {
    // `--verbose` is a global flag already.
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
    keys.set(declared.attributeName(), key);
    command.addOption(declared);
  }
  return () => {
    const flags: Partial<Record<ServerOptionKey, string | boolean | string[]>> = {};
    const values: Record<string, string | boolean | string[]> = command.opts();
    for (const [name, key] of keys) {
      const value = values[name];
      if (value !== undefined) flags[key] = value;
    }
    return flags;
  };
}
