import type { Configure } from "../../command-tree.ts";
import { configure as configurePush } from "./push.ts";

/** The older name of `templates push`. */
export const configure: Configure = async (command, cli) => {
  await configurePush(command, cli);
  command.hook("preAction", () => {
    cli.say(cli.err.yellow("The command templates create is deprecated: use templates push."));
  });
};
