import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Engine } from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { type EnvironmentPolicy, hostEnvironment, surprisingTerraformNames } from "./environment.ts";
import { importVersion } from "./import-version.ts";
import { runBuild } from "./run-build.ts";
import { runDryRun } from "./run-dry-run.ts";
import { setUpTerraform, type TerraformSetup } from "./setup.ts";
import { createLifeWatch } from "./signs-of-life.ts";
import { type Supervisor, startSupervisor } from "./supervisor.ts";
import { createVersionCache } from "./version-cache.ts";
import { findLeftovers } from "./work-dirs.ts";

/** The part of a pino logger that the engine uses. */
export type EngineLogger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

export type TerraformEngineOptions = {
  /** Programs, providers and template versions that outlive a job. Daemons of one host may share it. */
  cacheDir: string;
  log: EngineLogger;
  /** The daemon's own environment: what of it Terraform may see is decided here. */
  env: NodeJS.ProcessEnv;
  environment?: EnvironmentPolicy;
  /** A path or a name on PATH, instead of looking for `terraform` and `tofu`. */
  binary?: string;
  /** Directories of providers in Terraform's mirror layout. */
  mirrorDirs?: readonly string[];
  /** Up to which initialized template versions are kept. */
  maxVersionsBytes?: number;
  /** False: never ask a provider registry. */
  useRegistries?: boolean;
  /** Fetches Terraform where there is none, by the proxies and authorities of its maker. */
  fetch?: typeof fetch;
};

/** The engine for real templates: drives Terraform or OpenTofu (engine.md). */
export function createTerraformEngine(options: TerraformEngineOptions): Engine {
  const { cacheDir, log } = options;
  const host = hostEnvironment(options.env, options.environment ?? {});
  for (const name of surprisingTerraformNames(host)) {
    log.warn({ name }, "this variable of the daemon's environment reaches every template");
  }
  const closing = new AbortController();
  const lifeWatch = createLifeWatch();
  let supervisor: Supervisor | undefined;
  let setup: Promise<TerraformSetup> | undefined;

  // Found at the first job: a daemon without a program can still say to each job what is missing.
  const setUp = (): Promise<TerraformSetup> => {
    setup ??= setUpTerraform({
      cacheDir,
      mirrorDirs: options.mirrorDirs,
      binary: options.binary,
      useRegistries: options.useRegistries,
      fetch: options.fetch,
      host,
      signal: closing.signal,
      say: (message) => log.info({}, message),
    }).then(
      (found) => {
        log.info({ ...found.binary }, "engine ready");
        return found;
      },
      (error: unknown) => {
        setup = undefined;
        throw error;
      },
    );
    return setup;
  };

  const deps: EngineDeps = {
    setUp,
    supervisor: () => (supervisor ??= startSupervisor()),
    versions: createVersionCache(join(cacheDir, "versions"), {
      ...(options.maxVersionsBytes === undefined ? {} : { maxBytes: options.maxVersionsBytes }),
      warn: (message) => log.warn({}, message),
    }),
    workParent: join(cacheDir, "work"),
    host,
    nowMs: () => performance.timeOrigin + performance.now(),
  };

  return {
    name: "terraform",
    importVersion: (input, run, learn) => importVersion(deps, input, run, learn),
    build: (input, run) => runBuild(deps, input, run),
    dryRun: (input, run) => runDryRun(deps, input, run),
    leftovers: (isDue) => findLeftovers(deps.workParent, isDue, lifeWatch),
    async close() {
      closing.abort();
      supervisor?.close();
    },
  };
}
