import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Daemon } from "@slipway/provisionerd";
import type { LoadedConfig, Server, ServerConfig, ServerOptionKey } from "@slipway/server";
import {
  ConfigError,
  KeyringError,
  loadConfig,
  SchemaTooNewError,
  serverOptionEntries,
  startServer,
} from "@slipway/server";
import type { Logger } from "pino";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import { hideEnvironment } from "../../hide-environment.ts";
import { createFetch } from "../../http-fetch.ts";
import { makeDirectory } from "../../make-directory.ts";
import { hostDaemonName } from "../provisioner/daemon-name.ts";
import { createLog } from "./create-log.ts";
import { openDatabase } from "./open-database.ts";

export type RunServerOptions = {
  flags: Partial<Record<ServerOptionKey, string | boolean | string[]>>;
  configFile: string | undefined;
  writeConfig: boolean;
  /** Further addresses to listen on, as `up` needs for containers. */
  extraAddresses?: readonly string[];
  /** Called when requests are answered. */
  onReady?: (server: Server) => void;
};

/** How long built-in daemons may finish their builds when the server is told to stop. */
const drainMs = 30_000;

/** `coder server`: runs the control plane until it is told to stop. */
export async function runServer(cli: Cli, options: RunServerOptions): Promise<void> {
  const { config, sources } = await readConfig(cli, options);
  if (options.writeConfig) return printConfig(cli, config);
  const { log, close: closeLog } = createLog({ ...config, verbose: config.verbose || cli.globals.verbose });
  await hideSecrets(cli, options.flags, config, log);
  const closers: (() => Promise<unknown>)[] = [async () => closeLog()];
  const stopping = new AbortController();
  const onSignal = () => {
    // The second signal ends the program where it stands; what it had written is in the database.
    if (stopping.signal.aborted) process.exit(1);
    cli.say("Stopping. Builds in progress get some time to end; a second signal stops at once.");
    stopping.abort();
  };
  // Both are taken over from the runner, which would end the program at once.
  process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM");
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const cacheDir = config.cacheDir || join(cli.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "coder");
    if (config.provisionerDaemons > 0) {
      await makeDirectory(cacheDir, { mode: 0o700, hint: "Choose another with --cache-dir." });
    }
    const database = await openDatabase(cli, config, log, stopping.signal);
    closers.push(database.close);
    const { createBinarySource } = await import("../../binaries/binary-source.ts");
    const binaries = createBinarySource({
      cacheDir: join(cacheDir, "binaries"),
      log: log.child({ logger: "coderd.binaries" }),
      ...(config.accessUrl ? { accessUrl: config.accessUrl } : {}),
    });
    closers.push(() => binaries.close());
    const server = await startServer({
      config,
      configSources: sources,
      log: log.child({ logger: "coderd" }),
      databaseUrl: database.url,
      keyFile: database.keyFile,
      extraAddresses: options.extraAddresses ?? [],
      binaries,
    });
    closers.push(() => server.close());
    const daemons = await startBuiltinDaemons(cli, config, server, log, cacheDir);
    closers.push(() => stopDaemons(daemons));
    for (const url of server.urls) cli.say(`Started HTTP listener at ${url}`);
    cli.say(`View the Web UI: ${server.deps.config.accessUrl}`);
    // Workspaces will want them; making them takes a while and a processor.
    binaries.warm();
    options.onReady?.(server);
    await aborted(stopping.signal);
  } catch (err) {
    throw asCliError(err);
  } finally {
    for (const close of closers.reverse()) {
      await close().catch((err: unknown) => log.error({ err }, "a part of the server did not stop in order"));
    }
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Reads the settings from flags, environment and file; what cannot be used is an error that names it. */
export async function readConfig(
  cli: Cli,
  options: Pick<RunServerOptions, "flags" | "configFile">,
): Promise<LoadedConfig> {
  const yaml = options.configFile
    ? await readFile(options.configFile, "utf8").catch((err: Error) => {
        throw new CliError(`Cannot read the settings: ${err.message}`, {
          hint: "Check --config or CODER_CONFIG_PATH.",
        });
      })
    : undefined;
  try {
    return loadConfig({ flags: options.flags, env: cli.env, yaml });
  } catch (err) {
    throw asCliError(err);
  }
}

/** What Terraform may not see is not to be read from this process either, by what templates run. */
async function hideSecrets(
  cli: Cli,
  flags: RunServerOptions["flags"],
  config: ServerConfig,
  log: Logger,
): Promise<void> {
  const { hostEnvironment } = await import("@slipway/provisionerd");
  const shown = hostEnvironment(cli.env, terraformEnvironment(config));
  const words = serverOptionEntries
    .filter(([, option]) => option.secret)
    .flatMap(([key]) => flags[key])
    .map(String);
  if (!hideEnvironment({ mayShow: (name) => name in shown, words }) && config.provisionerDaemons > 0) {
    log.warn("templates can read the environment of this process, the secrets of the server included");
  }
}

const terraformEnvironment = ({ terraformEnv }: ServerConfig) =>
  terraformEnv.length > 0 ? { allow: terraformEnv } : {};

async function startBuiltinDaemons(
  cli: Cli,
  config: ServerConfig,
  server: Server,
  log: Logger,
  cacheDir: string,
): Promise<Daemon[]> {
  if (config.provisionerDaemons === 0) return [];
  const [{ createDaemonMetrics, createTerraformEngine, startDaemon }, { version }] = await Promise.all([
    import("@slipway/provisionerd"),
    import("../../build-info.ts"),
  ]);
  // They are stopped by name, in steps, and by no signal.
  const never = new AbortController();
  // One for all of them: they share its cache, and the process that watches over what it runs.
  const engine = createTerraformEngine({
    cacheDir: join(cacheDir, "provisioner"),
    log: log.child({ logger: "provisionerd" }),
    env: cli.env,
    mirrorDirs: config.terraformMirror,
    ...(config.terraformBinary ? { binary: config.terraformBinary } : {}),
    environment: terraformEnvironment(config),
    maxVersionsBytes: config.terraformCacheMib * 1024 * 1024,
    fetch: createFetch(cli.env),
  });
  const metrics = createDaemonMetrics(server.deps.metrics);
  metrics.setDaemons(config.provisionerDaemons);
  const daemons = Array.from({ length: config.provisionerDaemons }, (_, index) => {
    const name = `${hostDaemonName()}-${index}`;
    const daemonLog = log.child({ logger: "provisionerd", daemon: name });
    return startDaemon({
      connect: async () => server.connectBuiltinDaemon(),
      name,
      version,
      tags: { scope: "organization", owner: "" },
      engines: [engine],
      cacheDir: join(cacheDir, "provisioner", `daemon-${index}`),
      log: daemonLog,
      onJob: metrics.onJob,
      signal: never.signal,
    });
  });
  void Promise.allSettled(daemons.map(({ ended }) => ended)).then(() => engine.close());
  return daemons;
}

/** Lets builds end for a while, then interrupts them: they end in order, with their state saved. */
async function stopDaemons(daemons: readonly Daemon[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const daemon of daemons) void daemon.stop("interrupt");
  }, drainMs);
  await Promise.all(daemons.map((daemon) => daemon.stop("drain")));
  clearTimeout(timer);
}

async function printConfig(cli: Cli, config: ServerConfig): Promise<void> {
  const { stringify } = await import("yaml");
  const tree: Record<string, unknown> = {};
  for (const [key, option] of serverOptionEntries) {
    // Secrets have no place in the file.
    if (!option.yaml) continue;
    let level = tree;
    for (const name of option.yaml.slice(0, -1)) level = (level[name] ??= {}) as Record<string, unknown>;
    level[option.yaml.at(-1) ?? key] = option.kind === "duration" ? option.format(config[key]) : config[key];
  }
  cli.print(stringify(tree));
}

function asCliError(err: unknown): unknown {
  if (err instanceof ConfigError) {
    const hint = "See coder server --help for what each setting takes.";
    return new CliError(`The settings cannot be used:\n  ${err.problems.join("\n  ")}`, { hint, cause: err });
  }
  if (err instanceof KeyringError || err instanceof SchemaTooNewError)
    return new CliError(err.message, { cause: err });
  if (err instanceof Error && "code" in err && err.code === "EADDRINUSE") {
    return new CliError(`${err.message}.`, {
      hint: "Another program listens there. Choose another --http-address.",
      cause: err,
    });
  }
  return err;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
