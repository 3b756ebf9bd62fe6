import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { takeAnything } from "./take-anything.ts";

export const configure: Configure = (command) => {
  takeAnything(command);
  command.action(() => {
    throw new CliError("There are no licences: every feature is open to all.");
  });
};
