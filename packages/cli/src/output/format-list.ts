import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { formatTable } from "./table.ts";

/** One column of a list: how it is called on the command line and what it shows of an item. */
export type Column<T> = { name: string; value: (item: T) => string };

export type ListFormat<T> = {
  /** Text for stdout. JSON is what the API returned; the table shows the chosen columns. */
  print(items: readonly T[], json?: unknown): string;
  readonly output: string;
  readonly isJson: boolean;
};

/**
 * Adds `-c/--column` and `-o/--output` ("tbl" in cli.md) and returns the reader of both for the action. The reader
 * may be given other default columns, where those depend on another flag.
 *
 * @example
 * const format = listFormat(command, columns, ["name", "status"]);
 * command.action(async () => cli.print(format().print(items)));
 */
export function listFormat<T>(
  command: Command,
  columns: readonly Column<T>[],
  defaults: readonly string[],
  options: { extraFormats?: readonly string[]; initial?: string } = {},
): (otherDefaults?: readonly string[]) => ListFormat<T> {
  const formats = ["table", "json", ...(options.extraFormats ?? [])];
  const names = columns.map((column) => column.name);
  command.option(
    "-c, --column <columns>",
    `columns to show in the table, of: ${names.join(", ")} (default: ${defaults.join(",")})`,
    collectNames,
  );
  command.option("-o, --output <format>", `${formats.join(" or ")}`, options.initial ?? "table");
  return (otherDefaults) => {
    const { column, output } = command.opts<{ column?: string[]; output: string }>();
    if (!formats.includes(output)) {
      throw new CliError(`"${output}" is not an output format.`, {
        hint: `Use one of: ${formats.join(", ")}.`,
      });
    }
    const chosen = (column ?? otherDefaults ?? defaults).map((name) => {
      const found = columns.find((one) => one.name === name.toLowerCase().trim());
      if (!found)
        throw new CliError(`There is no column "${name}".`, { hint: `Columns: ${names.join(", ")}.` });
      return found;
    });
    return {
      isJson: output === "json",
      output,
      print(items, json) {
        if (output === "json") return JSON.stringify(json ?? items, null, 2);
        return formatTable(
          chosen.map((one) => one.name),
          items.map((item) => chosen.map((one) => one.value(item))),
        );
      },
    };
  };
}

function collectNames(value: string, previous: string[] | undefined): string[] {
  return [
    ...(previous ?? []),
    ...value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  ];
}

/** Adds `-o/--output text|json` ("txt" in cli.md); the reader says whether JSON was asked for. */
export function textFormat(command: Command): () => { isJson: boolean } {
  command.option("-o, --output <format>", "text or json", "text");
  return () => {
    const { output } = command.opts<{ output: string }>();
    if (output !== "text" && output !== "json") {
      throw new CliError(`"${output}" is not an output format.`, { hint: "Use text or json." });
    }
    return { isJson: output === "json" };
  };
}

/** Prints a list, or where it is empty a hint on stderr and nothing (for JSON: `[]`) on stdout. */
export function printList<T>(cli: Cli, format: ListFormat<T>, items: readonly T[], empty: string): void {
  if (items.length === 0 && !format.isJson) cli.say(empty);
  else cli.print(format.print(items));
}
