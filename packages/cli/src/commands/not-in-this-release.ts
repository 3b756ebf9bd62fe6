import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { takeAnything } from "./take-anything.ts";

/** Stands for a command of Coder that comes with a later release. */
export const configure: Configure = (command, cli) => {
  takeAnything(command);
  command.action(() => {
    const words: string[] = [];
    for (let each = command; each.parent; each = each.parent) words.unshift(each.name());
    throw new CliError(`'coder ${words.join(" ")}' is not part of this release yet.`, {
      hint: `What there is: ${cli.self} --help`,
    });
  });
};
