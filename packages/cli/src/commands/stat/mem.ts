import type { Configure } from "../../command-tree.ts";
import { addSwitch } from "../../options.ts";
import { textFormat } from "../../output/format-list.ts";
import { measureOwnMemory } from "./measure.ts";
import { prefixOption } from "./prefix-option.ts";
import { type Prefix, usageText } from "./usage.ts";

export const configure: Configure = (command, cli) => {
  addSwitch(command, cli, "--host", "of the machine, also from within a container");
  command.addOption(prefixOption());
  const format = textFormat(command);
  command.action(async ({ host = false, prefix }: { host?: boolean; prefix: Prefix }) => {
    const usage = await measureOwnMemory({ host });
    cli.print(format().isJson ? JSON.stringify(usage, null, 2) : usageText(usage, prefix));
  });
};
