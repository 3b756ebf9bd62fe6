import { slipwayVersion, version } from "../build-info.ts";
import type { Configure } from "../command-tree.ts";
import { textFormat } from "../output/format-list.ts";

export const configure: Configure = (command, cli) => {
  const format = textFormat(command);
  command.action(() => {
    if (format().isJson)
      cli.print(
        JSON.stringify({ version, slipway_version: slipwayVersion, agpl: false, slim: false }, null, 2),
      );
    else cli.print(`Coder ${version}\nSlipway ${slipwayVersion}`);
  });
};
