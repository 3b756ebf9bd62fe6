import type { Configure } from "../../command-tree.ts";
import { addSwitch } from "../../options.ts";
import { textFormat } from "../../output/format-list.ts";
import { measureOwnCpu } from "./measure.ts";
import { usageText } from "./usage.ts";

export const configure: Configure = (command, cli) => {
  addSwitch(command, cli, "--host", "of the machine, also from within a container");
  const format = textFormat(command);
  command.action(async ({ host = false }: { host?: boolean }) => {
    const usage = await measureOwnCpu({ host, signal: cli.signal });
    cli.print(format().isJson ? JSON.stringify(usage, null, 2) : usageText(usage));
  });
};
