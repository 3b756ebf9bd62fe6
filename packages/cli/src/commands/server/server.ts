import type { Configure } from "../../command-tree.ts";

export const configure: Configure = async (command, cli) => {
  const [{ serverOptionEntries }, { declareServerFlags }] = await Promise.all([
    import("@slipway/server"),
    import("./server-flags.ts"),
  ]);
  const flags = declareServerFlags(command, serverOptionEntries);
  command.option("-c, --config <file>", "YAML file with settings (env: CODER_CONFIG_PATH)");
  command.option("--write-config", "print the settings in effect as YAML, and end");
  command.action(async (options: { config?: string; writeConfig?: boolean }) => {
    const { runServer } = await import("./run-server.ts");
    await runServer(cli, {
      flags: flags(),
      configFile: options.config ?? (cli.env.CODER_CONFIG_PATH || undefined),
      writeConfig: options.writeConfig ?? false,
    });
  });
};
