import type { Command } from "commander";

/** Lets a command accept every argument and option, for those that do nothing with them. */
export function takeAnything(command: Command): void {
  command.argument("[words...]").allowUnknownOption().allowExcessArguments().helpOption(false);
}
