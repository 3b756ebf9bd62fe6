import type { Configure } from "../command-tree.ts";
import { candidates } from "../completion/candidates.ts";

/** Called by the completion scripts with the words after `coder`, the last of which is being typed. */
export const configure: Configure = (command, cli) => {
  command.argument("[words...]").allowUnknownOption().passThroughOptions().helpOption(false);
  command.action(async (words: string[]) => {
    const found = await candidates(cli, words);
    if (found.length > 0) cli.print(found.join("\n"));
  });
};
