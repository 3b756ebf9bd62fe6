import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { textFormat } from "../../output/format-list.ts";
import { diskUsage } from "./host-usage.ts";
import { prefixOption } from "./prefix-option.ts";
import { type Prefix, usageText } from "./usage.ts";

export const configure: Configure = (command, cli) => {
  command.option("--path <path>", "of the disk that holds this", "/").addOption(prefixOption());
  const format = textFormat(command);
  command.action(async ({ path, prefix }: { path: string; prefix: Prefix }) => {
    const usage = await diskUsage(path).catch((err: unknown) => {
      throw new CliError(
        `The disk of ${path} cannot be looked at: ${err instanceof Error ? err.message : err}.`,
        {
          hint: "Name a file or directory that is there with --path.",
          cause: err,
        },
      );
    });
    cli.print(format().isJson ? JSON.stringify(usage, null, 2) : usageText(usage, prefix));
  });
};
