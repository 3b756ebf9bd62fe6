import type { Configure } from "../../command-tree.ts";

export const configure: Configure = (command, cli) => {
  command.option("--raw-url", "print the URL alone");
  command.action(async ({ rawUrl }: { rawUrl?: boolean }) => {
    const [{ startEmbeddedPostgres }, { postgresDir }, { createLog }] = await Promise.all([
      import("@slipway/server"),
      import("./open-database.ts"),
      import("./create-log.ts"),
    ]);
    const { log } = createLog({
      logHuman: "/dev/stderr",
      logJson: "",
      logStackdriver: "",
      logFilter: [],
      verbose: cli.globals.verbose,
    });
    const postgres = await startEmbeddedPostgres({ dir: postgresDir(cli), log, signal: cli.signal });
    cli.print(rawUrl ? postgres.url : `psql "${postgres.url}"`);
    await new Promise<void>((resolve) =>
      cli.signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    await postgres.stop();
  });
};
