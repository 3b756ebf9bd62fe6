import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import type { Configure } from "../../command-tree.ts";
import type { OptionRow } from "../../option-rows.ts";

export const configure: Configure = async (command, cli) => {
  const [{ serverOptionEntries }, { declareServerFlags, readServerFlags }] = await Promise.all([
    import("@slipway/server"),
    import("./server-flags.ts"),
  ]);
  declareServerFlags(command, serverOptionEntries);
  command.option("-c, --config <file>", "YAML file with settings (env: CODER_CONFIG_PATH)");
  command.option("--write-config", "print the settings in effect as YAML, and end");
  // For `up`: containers reach it by their bridge's address.
  command.addOption(
    new Option("--extra-http-address <host:port>", "further address for plain HTTP (repeatable)")
      .argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value])
      .hideHelp(),
  );
  command.action(async (options: { config?: string; writeConfig?: boolean; extraHttpAddress?: string[] }) => {
    const { runServer } = await import("./run-server.ts");
    await runServer(cli, {
      flags: readServerFlags(command, serverOptionEntries),
      configFile: configFile(command, cli),
      writeConfig: options.writeConfig ?? false,
      extraAddresses: options.extraHttpAddress ?? [],
    });
  });
};

/** The settings of a server that would start now, from flags, environment and its YAML file. */
export async function optionRows(command: Command, cli: Cli): Promise<OptionRow[]> {
  const [{ serverOptionEntries }, { readServerFlags }, { readConfig }] = await Promise.all([
    import("@slipway/server"),
    import("./server-flags.ts"),
    import("./run-server.ts"),
  ]);
  const flags = readServerFlags(command, serverOptionEntries);
  const { config, sources } = await readConfig(cli, { flags, configFile: configFile(command, cli) });
  return serverOptionEntries.map(([key, option]) => ({
    option: `--${option.flag}`,
    value: option.secret ? (sources[key] === "default" ? "" : "********") : option.format(config[key]),
    source: sources[key],
  }));
}

function configFile(command: Command, cli: Cli): string | undefined {
  return command.opts<{ config?: string }>().config ?? (cli.env.CODER_CONFIG_PATH || undefined);
}
