import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineFailure } from "../engine.ts";
import { writeCliConfig } from "./cli-config.ts";
import { commandEnvironment } from "./environment.ts";
import { findBinary, type TerraformBinary } from "./find-binary.ts";
import { mirrorDigest } from "./provider-mirror.ts";

/** What all runs of an engine share: the program and where its providers come from. */
export type TerraformSetup = {
  binary: TerraformBinary;
  cacheDir: string;
  /** Ours: what is built from Go modules goes here. */
  ownMirror: string;
  /** CLI configuration with the mirrors alone, and one that also asks the registries (or null). */
  mirrorConfig: string;
  registryConfig: string | null;
  /** The mirrors and what came from registries before: for versions that a lock file names. */
  storeConfig: string;
  /** What came from registries, each version once. Nothing but its lock's holder changes it. */
  store: string;
  storeLock: string;
  supportsJsonInit: boolean;
  environment(host: Record<string, string>, cliConfigFile?: string): Record<string, string>;
  /** Changes whenever a mirror does: part of the version cache's keys. */
  mirrorDigest(): Promise<string>;
};

export type SetupOptions = {
  cacheDir: string;
  mirrorDirs?: readonly string[] | undefined;
  binary?: string | undefined;
  /** False: never ask a registry. */
  useRegistries?: boolean | undefined;
  fetch?: typeof fetch | undefined;
  host: Record<string, string>;
  signal: AbortSignal;
  say(message: string): void;
};

export async function setUpTerraform(options: SetupOptions): Promise<TerraformSetup> {
  const { cacheDir } = options;
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  await requireOwner(cacheDir);
  const binary = await findBinary({
    configured: options.binary,
    path: options.host.PATH ?? "",
    cacheDir,
    fetch: options.fetch,
    signal: options.signal,
    say: options.say,
  });
  const ownMirror = join(cacheDir, "mirror");
  const pluginCacheDir = join(cacheDir, "plugins");
  await mkdir(ownMirror, { recursive: true, mode: 0o700 });
  await mkdir(pluginCacheDir, { recursive: true, mode: 0o700 });
  const mirrors = [...(options.mirrorDirs ?? []), ownMirror];
  const mirrorConfig = await writeCliConfig(join(cacheDir, "config"), { mirrors });
  const registryConfig = await writeCliConfig(join(cacheDir, "config"), { mirrors, pluginCacheDir });
  const storeConfig = await writeCliConfig(join(cacheDir, "config"), {
    mirrors: [...mirrors, pluginCacheDir],
  });
  return {
    binary,
    cacheDir,
    ownMirror,
    mirrorConfig,
    storeConfig,
    registryConfig: options.useRegistries === false ? null : registryConfig,
    store: pluginCacheDir,
    storeLock: join(cacheDir, "plugins.lock"),
    supportsJsonInit: binary.product === "terraform" && atLeast(binary.version, [1, 9]),
    environment: (host, cliConfigFile = mirrorConfig) => commandEnvironment(host, cliConfigFile),
    mirrorDigest: () => mirrorDigest(mirrors),
  };
}

/** Providers are programs: whoever can write them acts as every daemon that starts them. */
async function requireOwner(cacheDir: string): Promise<void> {
  const { uid } = await stat(cacheDir);
  const own = process.geteuid?.() ?? uid;
  if (uid === own) return;
  throw new EngineFailure(
    `The cache directory ${cacheDir} belongs to the user with id ${uid}, and this daemon runs as ${own}. Daemons share a cache only with daemons of the same user: give this one another by --cache-dir (CODER_CACHE_DIRECTORY).`,
  );
}

function atLeast(version: string, [major, minor]: [number, number]): boolean {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}
