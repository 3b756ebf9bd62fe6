import type { Command } from "commander";
import type { Cli } from "./cli.ts";
import type { ReadOptionRows } from "./option-rows.ts";

/** Adds arguments, options and the action to a command that already has its name, aliases and summary. */
export type Configure = (command: Command, cli: Cli) => void | Promise<void>;

/**
 * One command, or a group of them. The module behind `load` is imported only when the command line names the
 * command, so that `--help` and every other command stay quick.
 */
export type CommandEntry = {
  name: string;
  aliases?: readonly string[];
  /** Shown in the parent's help. */
  summary: string;
  hidden?: boolean;
  load?: () => Promise<{ configure: Configure; optionRows?: ReadOptionRows }>;
  children?: readonly CommandEntry[];
};

/** The entries that the words of a command line lead to: `["templates", "push"]` gives the group, then the command. */
export function resolveEntries(tree: readonly CommandEntry[], words: readonly string[]): CommandEntry[] {
  const path: CommandEntry[] = [];
  let level: readonly CommandEntry[] | undefined = tree;
  for (const word of words) {
    const entry: CommandEntry | undefined = level?.find(
      (one) => one.name === word || one.aliases?.includes(word),
    );
    if (!entry) break;
    path.push(entry);
    level = entry.children;
  }
  return path;
}
