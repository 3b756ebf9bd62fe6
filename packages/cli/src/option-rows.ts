import type { Command } from "commander";
import type { Cli } from "./cli.ts";
import { globalOptionRows, globalWords, isGlobalOption } from "./global-options.ts";
import { formatTable } from "./output/table.ts";

/** What an option is set to, and where that was read: `flag`, `env`, `yaml`, `config` (the directory) or `default`. */
export type OptionRow = { option: string; value: string; source: string };

/** For a command that reads its options from more places than commander knows of. */
export type ReadOptionRows = (command: Command, cli: Cli) => Promise<OptionRow[]>;

/**
 * Makes a command print its options instead of doing anything (`--debug-options`). What it would insist on, such as
 * its arguments, need not be given.
 */
export function printOptionsInstead(
  cli: Cli,
  command: Command,
  argv: readonly string[],
  read?: ReadOptionRows,
): void {
  for (const argument of command.registeredArguments) argument.required = false;
  command.allowExcessArguments().action(async () => {
    const own = read ? await read(command, cli) : ownRows(command);
    const rows = [...own, ...(await globalOptionRows(cli, globalWords(argv, command)))];
    cli.print(
      formatTable(
        ["option", "value", "source"],
        rows.map((row) => [row.option, row.value, row.source]),
      ),
    );
  });
}

const sourceNames: Record<string, string> = { cli: "flag", env: "env" };

function ownRows(command: Command): OptionRow[] {
  return command.options
    .filter((option) => !option.hidden && !isGlobalOption(option))
    .map((option) => {
      const name = option.attributeName();
      const value: unknown = command.getOptionValue(name);
      return {
        option: `--${option.name()}`,
        value: shownValue(option.name(), value),
        source: sourceNames[command.getOptionValueSource(name) ?? ""] ?? "default",
      };
    });
}

/** Values as text; those of secrets stay hidden, for what is printed is pasted into reports. */
export function shownValue(name: string, value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  if (/token$|password|secret|psk$|(?:^|-)key$|postgres-url$/.test(name)) return "********";
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
