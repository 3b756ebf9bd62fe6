import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DiagnosticInit, EngineFailure } from "../engine.ts";
import { checkBackend, writeBackendOverride } from "./backend.ts";
import { withFileLock } from "./file-lock.ts";
import { buildGoProvider } from "./go-providers.ts";
import { LOCK_FILE, lockedVersions, readLockFile, withoutChecksums, writeLockFile } from "./lock-file.ts";
import type { TerraformLogParser } from "./log-parser.ts";
import { removeUnusedProviders, touchProviders } from "./provider-store.ts";
import { runTerraform, type TerraformCommand, type TerraformExit } from "./run-terraform.ts";
import type { TerraformSetup } from "./setup.ts";

export type InitOptions = {
  dir: string;
  /** Set: the lock that import wrote. Its versions bind; its checksums where they fit. */
  importedLock?: string;
  /** The operator allowed an import to go on without the author's lock. */
  mayDropLock: boolean;
  command: Omit<TerraformCommand, "args" | "cwd" | "env" | "onLine" | "onErrorLine">;
  host: Record<string, string>;
  setup: TerraformSetup;
  createParser(): TerraformLogParser;
  say(level: "info" | "warn" | "error", message: string): void | Promise<void>;
};

type Attempt = { exit: TerraformExit; diagnostics: DiagnosticInit[]; output: string };

const THREE_WAYS =
  "Give the daemon a mirror directory that holds it (terraform providers mirror DIR, then CODER_TERRAFORM_MIRROR=DIR), or a network with access to the provider's registry, or, for coder/coder and kreuzwerker/docker, Go on PATH with access to a module proxy.";

/**
 * Gets a template's providers and modules: from the mirror, else from the registries, else, for providers
 * that we can build, from Go modules (architecture.md, "Engine"). Resolves to the lock file it ended with.
 */
export async function initTemplate(options: InitOptions): Promise<string> {
  const { dir } = options;
  await clearLeftovers(dir);
  await writeBackendOverride(dir);
  const authorsLock = await readLockFile(dir);
  if (options.importedLock !== undefined) await writeLockFile(dir, options.importedLock);

  let attempt = await initFromAnywhere(options);
  if (attempt.exit.code !== 0 && isLockMismatch(attempt))
    attempt = await initWithoutChecksums(options, attempt);
  if (
    attempt.exit.code !== 0 &&
    authorsLock !== "" &&
    options.importedLock === undefined &&
    isProviderProblem(attempt)
  ) {
    if (!options.mayDropLock) {
      throw failure(
        attempt,
        "The template's lock file cannot be met here. Add checksums for this source (terraform providers lock), or import with the lock file ignored.",
      );
    }
    await options.say(
      "warn",
      `Going on without the template's ${LOCK_FILE}: its providers are not to be had here.`,
    );
    await writeLockFile(dir, "");
    attempt = await initFromAnywhere(options);
  }
  if (attempt.exit.code !== 0) throw failure(attempt);
  await checkBackend(dir);
  return readLockFile(dir);
}

// What a template brings must not steer our init: a chosen workspace, a state, a link to a provider.
async function clearLeftovers(dir: string): Promise<void> {
  for (const name of ["environment", "terraform.tfstate", "providers", "plugin_path"]) {
    await rm(join(dir, ".terraform", name), { recursive: true, force: true });
  }
  for (const name of [
    "terraform.tfstate",
    "terraform.tfstate.d",
    "terraform.tfstate.backup",
    "errored.tfstate",
  ]) {
    await rm(join(dir, name), { recursive: true, force: true });
  }
}

async function initFromAnywhere(options: InitOptions): Promise<Attempt> {
  const { dir, setup } = options;
  // Registries say which versions there are; when import's lock has said it, nobody need be asked.
  const nearby = options.importedLock === undefined ? setup.mirrorConfig : setup.storeConfig;
  const fromMirror = await init(options, nearby);
  if (fromMirror.exit.code === 0 || !isProviderProblem(fromMirror)) return fromMirror;

  let last = fromMirror;
  if (setup.registryConfig !== null) {
    const { registryConfig } = setup;
    // The shared store is not safe for two inits at once (engine.md §2).
    last = await withFileLock(
      setup.storeLock,
      options.command.interrupt,
      async () => {
        const attempt = await init(options, registryConfig);
        if (attempt.exit.code === 0 && (await touchProviders(dir))) await removeUnusedProviders(setup.store);
        return attempt;
      },
      (pid) =>
        void options.say("info", `Process ${pid} of this host is downloading providers; waiting for it.`),
    );
    if (last.exit.code === 0 || !isProviderProblem(last)) return last;
  }
  let built = false;
  for (const address of missingProviders(fromMirror)) {
    const result = await buildGoProvider({
      address,
      mirror: setup.ownMirror,
      cacheDir: setup.cacheDir,
      env: options.host,
      signal: options.command.interrupt,
      say: (message) => options.say("info", message),
    }).catch(async (error: unknown) => {
      if (options.command.interrupt.aborted) throw error;
      await options.say("error", error instanceof Error ? error.message : String(error));
      return "unknown" as const;
    });
    built ||= result === "built" || result === "present";
  }
  return built ? init(options, setup.mirrorConfig) : last;
}

// Import's lock binds versions everywhere, but its checksums only where they were made (engine.md §2).
async function initWithoutChecksums(options: InitOptions, failed: Attempt): Promise<Attempt> {
  const lock = await readLockFile(options.dir);
  if (options.importedLock === undefined || lock === "") return failed;
  await writeLockFile(options.dir, withoutChecksums(lock));
  const attempt = await initFromAnywhere(options);
  if (attempt.exit.code === 0) {
    await options.say(
      "info",
      `This daemon has other builds of the locked providers than the import; it keeps their versions (${lockedVersions(lock).join(", ")}) and records its own checksums.`,
    );
  }
  return attempt;
}

async function init(options: InitOptions, cliConfigFile: string): Promise<Attempt> {
  const { setup } = options;
  const parser = options.createParser();
  const diagnostics: DiagnosticInit[] = [];
  const output: string[] = [];
  const keep = (text: string) => {
    output.push(text);
    if (output.length > 200) output.shift();
  };
  const hasJson = setup.supportsJsonInit;
  const exit = await runTerraform({
    ...options.command,
    cwd: options.dir,
    env: setup.environment(options.host, cliConfigFile),
    args: ["init", "-input=false", "-no-color", ...(hasJson ? ["-json"] : [])],
    onLine(line) {
      const parsed = parser.line(line);
      diagnostics.push(...parsed.diagnostics);
      for (const log of parsed.logs) keep(log.output);
    },
    onErrorLine: keep,
  });
  return { exit, diagnostics, output: output.join("\n") };
}

const textOf = (attempt: Attempt) =>
  [attempt.output, ...attempt.diagnostics.map(({ summary, detail }) => `${summary}\n${detail}`)]
    .join("\n")
    // Wrapped lines are one sentence.
    .replace(/\s+/g, " ");

// Terraform and OpenTofu have no codes for these; the words are the same in all versions since 1.1.
function isProviderProblem(attempt: Attempt): boolean {
  return /Failed to query available provider packages|Failed to install provider|provider registry|Invalid provider registry host|Inconsistent dependency lock file|locked provider|Failed to resolve provider packages/i.test(
    textOf(attempt),
  );
}

function isLockMismatch(attempt: Attempt): boolean {
  return /match any of the checksums (previously )?recorded in the dependency lock file|cached package for|checksum/i.test(
    textOf(attempt),
  );
}

function missingProviders(attempt: Attempt): string[] {
  const found = new Set<string>();
  for (const match of textOf(attempt).matchAll(
    /\b(?:registry\.(?:terraform\.io|opentofu\.org)\/)?((?:coder\/coder|kreuzwerker\/docker))\b/g,
  )) {
    found.add(match[1] ?? "");
  }
  return [...found];
}

function failure(attempt: Attempt, advice?: string): EngineFailure {
  const errors = attempt.diagnostics.filter(({ severity }) => severity === 5);
  const summary = errors.map(({ summary, detail, file, line }) => {
    const place = file === undefined || file === "" ? "" : `${file}:${line}: `;
    return `${place}${summary}${detail === "" || detail === undefined ? "" : `: ${detail.replace(/\s+/g, " ").trim()}`}`;
  });
  const reason = summary.join("\n") || attempt.output.trim().split("\n").slice(-5).join("\n");
  const remedy = advice ?? (isProviderProblem(attempt) ? THREE_WAYS : "");
  const interrupted = attempt.exit.interrupted ? "terraform init was interrupted" : "terraform init failed";
  return new EngineFailure([`${interrupted}: ${reason}`, remedy].filter((part) => part !== "").join("\n"), {
    diagnostics: errors,
  });
}
