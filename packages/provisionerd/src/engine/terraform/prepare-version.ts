import { createHash } from "node:crypto";
import { LogLevel } from "@slipway/proto/provisioner";
import { extractTar, packModules, parseVariables, readRootFiles, unpackModules } from "@slipway/template";
import { type DiagnosticInit, EngineFailure, type EngineRun, type TimingInit } from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { initTemplate } from "./init-template.ts";
import { createTerraformLogParser } from "./interpret.ts";
import { createRedactor, redactFailure, secretsOfEnvironment } from "./redact.ts";
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

export type Prepared = VersionInfo & {
  timings: TimingInit[];
  /** Of an import: the modules that it fetched from elsewhere, for other hosts. */
  modules: { tar: Uint8Array; hash: string } | null;
  warnings: DiagnosticInit[];
};

/** Puts a template version, ready to run, into the job's directory: from the cache, else by an init. */
export async function prepareVersion(deps: EngineDeps, options: PrepareOptions): Promise<Prepared> {
  const { run, workDir, setup, importedLock } = options;
  if (importedLock !== undefined) {
    const key = await versionKey(options, importedLock, run.modules?.hash);
    const cached = await deps.versions.checkOut(key, workDir.tree);
    if (cached !== null) return { ...cached, timings: [], modules: null, warnings: [] };
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
  if (run.modules !== null) await unpackModules(await run.modules.read(), workDir.tree);
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
  }).catch((error: unknown) => {
    // Git, for one, names the address that it was told to use in the place of the module's.
    throw error instanceof EngineFailure ? redactFailure(error, redact) : error;
  });
  const info: VersionInfo = {
    lockFile,
    sensitiveVariables: variables.filter(({ sensitive }) => sensitive).map(({ name }) => name),
  };
  const { modules, warnings } = importedLock === undefined ? await packed(options) : NOTHING_PACKED;
  // Under what later builds will ask with; a lock that differs here is this daemon's own.
  const key = await versionKey(options, importedLock ?? lockFile, modules?.hash ?? run.modules?.hash);
  await deps.versions.add(key, workDir.tree, info);
  const timing = {
    stage: "init",
    source: "terraform",
    action: "init",
    resource: "terraform init",
    state: "completed",
  };
  return {
    ...info,
    modules,
    warnings,
    timings: [
      { ...timing, startedAtMs: BigInt(Math.round(startedAt)), endedAtMs: BigInt(Math.round(deps.nowMs())) },
    ],
  };
}

const NOTHING_PACKED: Pick<Prepared, "modules" | "warnings"> = { modules: null, warnings: [] };

/** What init brought from elsewhere, so that no other host has to fetch it (provisioning.md §7.1). */
async function packed({ run, workDir }: PrepareOptions): Promise<Pick<Prepared, "modules" | "warnings">> {
  const { tar, warnings } = await packModules(workDir.tree);
  for (const output of warnings) {
    await run.log({ level: "warn", stage: SETUP_STAGE, output, source: "provisioner_daemon" });
  }
  return {
    modules: tar && { tar, hash: createHash("sha256").update(tar).digest("hex") },
    warnings: warnings.map((summary) => ({ severity: LogLevel.WARN, summary })),
  };
}

async function versionKey(
  { run, setup }: PrepareOptions,
  lockFile: string,
  modulesHash = "",
): Promise<VersionKey> {
  if (run.source.hash === "") throw new EngineFailure("The job names no archive.");
  const { product, version, path } = setup.binary;
  return {
    archiveHash: run.source.hash,
    modulesHash,
    lockFile,
    engine: `${product} ${version} ${path}`,
    mirrorDigest: await setup.mirrorDigest(),
  };
}
