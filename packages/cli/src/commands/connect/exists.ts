import { ExitStatus } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";

/** Asked by the SSH configuration: does Coder Desktop's network resolve this name? There is none, so never. */
export const configure: Configure = (command) => {
  command.argument("<hostname>", "name to look for");
  command.action(() => {
    throw new ExitStatus(1);
  });
};
