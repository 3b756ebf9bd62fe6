import { Option } from "commander";
import type { Configure } from "../../command-tree.ts";

export const configure: Configure = async (command, cli) => {
  const [{ serverOptionEntries }, { declareServerFlags }] = await Promise.all([
    import("@slipway/server"),
    import("./server-flags.ts"),
  ]);
  const flags = declareServerFlags(command, serverOptionEntries);
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
      flags: flags(),
      configFile: options.config ?? (cli.env.CODER_CONFIG_PATH || undefined),
      writeConfig: options.writeConfig ?? false,
      extraAddresses: options.extraHttpAddress ?? [],
    });
  });
};
