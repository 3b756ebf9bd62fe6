import { extractTar, parseVariables, readRootFiles } from "@slipway/template";
import { EngineFailure, type EngineRun, type TimingInit } from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { initTemplate } from "./init-template.ts";
import { createTerraformLogParser } from "./interpret.ts";
import { createRedactor, secretsOfEnvironment } from "./redact.ts";
import type { TerraformSetup } from "./setup.ts";
import type { VersionInfo, VersionKey } from "./version-cache.ts";
import type { WorkDir } from "./work-dirs.ts";

export const SETUP_STAGE = "Setting up";

export type PrepareOptions = {
  run: EngineRun;
  workDir: WorkDir;
  setup: TerraformSetup;
  /** The lock that import wrote; unset during the import itself. */
  importedLock?: string;
  mayDropLock?: boolean;
};

export type Prepared = VersionInfo & { timings: TimingInit[] };

/** Puts a template version, ready to run, into the job's directory: from the cache, else by an init. */
export async function prepareVersion(deps: EngineDeps, options: PrepareOptions): Promise<Prepared> {
  const { run, workDir, setup, importedLock } = options;
  if (importedLock !== undefined) {
    const cached = await deps.versions.checkOut(await versionKey(options, importedLock), workDir.tree);
    if (cached !== null) return { ...cached, timings: [] };
  }
  const startedAt = deps.nowMs();
  await run.log({
    level: "info",
    stage: SETUP_STAGE,
    output: "Getting the template's providers and modules.",
    source: "provisioner_daemon",
  });
  const archive = await run.source.read();
  await extractTar(archive, workDir.tree);
  const { variables } = await parseVariables(await readRootFiles(archive));
  const redact = createRedactor(secretsOfEnvironment(deps.host));
  const lockFile = await initTemplate({
    dir: workDir.tree,
    ...(importedLock === undefined ? {} : { importedLock }),
    mayDropLock: options.mayDropLock ?? false,
    host: deps.host,
    setup,
    createParser: createTerraformLogParser,
    command: {
      binary: setup.binary.path,
      supervisor: deps.supervisor(),
      interrupt: run.interrupt,
      force: run.force,
      leaseRemainingMs: run.leaseRemainingMs,
    },
    say: (level, output) =>
      run.log({ level, stage: SETUP_STAGE, output: redact(output), source: "provisioner_daemon" }),
  });
  const info: VersionInfo = {
    lockFile,
    sensitiveVariables: variables.filter(({ sensitive }) => sensitive).map(({ name }) => name),
  };
  // Under the lock that later builds will ask with; a lock that differs here is this daemon's own.
  await deps.versions.add(await versionKey(options, importedLock ?? lockFile), workDir.tree, info);
  const timing = {
    stage: "init",
    source: "terraform",
    action: "init",
    resource: "terraform init",
    state: "completed",
  };
  return {
    ...info,
    timings: [
      { ...timing, startedAtMs: BigInt(Math.round(startedAt)), endedAtMs: BigInt(Math.round(deps.nowMs())) },
    ],
  };
}

async function versionKey({ run, setup }: PrepareOptions, lockFile: string): Promise<VersionKey> {
  if (run.source.hash === "") throw new EngineFailure("The job names no archive.");
  const { product, version, path } = setup.binary;
  return {
    archiveHash: run.source.hash,
    lockFile,
    engine: `${product} ${version} ${path}`,
    mirrorDigest: await setup.mirrorDigest(),
  };
}
