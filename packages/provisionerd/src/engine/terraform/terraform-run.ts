import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { LogLevel, type TimingSchema } from "@slipway/proto/provisioner";
import {
  type DiagnosticInit,
  EngineFailure,
  type EngineRun,
  type LogLevel as Level,
  type StateSnapshot,
  type TimingInit,
} from "../engine.ts";
import { type Creations, createCreations } from "./creations.ts";
import { createTerraformLogParser } from "./interpret.ts";
import { createRedactor, redactDiagnostic } from "./redact.ts";
import { runTerraform, type TerraformExit } from "./run-terraform.ts";
import type { TerraformSetup } from "./setup.ts";
import { addressesOf, taint } from "./state-instances.ts";
import { parseStateSnapshot } from "./state-snapshot.ts";
import { STATE_FILE, watchState } from "./state-watcher.ts";
import type { Supervisor } from "./supervisor.ts";
import type { WorkDir } from "./work-dirs.ts";

const MAX_SHOWN_BYTES = 128 * 1024 * 1024;

export type RunOptions = {
  setup: TerraformSetup;
  supervisor: Supervisor;
  run: EngineRun;
  workDir: WorkDir;
  env: Record<string, string>;
  secrets: Iterable<string>;
  /** Is told what Terraform makes. */
  creations?: Creations;
  /** Terraform's own debug log, when the build asked for it. */
  isVerbose?: boolean;
};

export type CommandResult = { exit: TerraformExit; diagnostics: DiagnosticInit[] };

/** The commands of one job, with their output in its log. */
export type TerraformRun = {
  timings: TimingInit[];
  warnings: DiagnosticInit[];
  say(stage: string, output: string, level?: Level): void | Promise<void>;
  /** Logs what was found; warnings are kept for the result, errors fail the job. */
  report(stage: string, found: readonly DiagnosticInit[]): Promise<void>;
  /** Runs a command that reports in JSON lines; fails as the job does when it fails. */
  command(stage: string, span: "init" | "plan" | "graph" | "apply", args: string[]): Promise<CommandResult>;
  /** Runs a command and gives what it prints. */
  read(args: string[]): Promise<string>;
  redact(text: string): string;
};

export function createTerraformRun(options: RunOptions): TerraformRun {
  const { setup, run, workDir, supervisor } = options;
  const redact = createRedactor(options.secrets);
  const timings: TimingInit[] = [];
  const warnings: DiagnosticInit[] = [];
  const env = setup.environment(options.env);
  if (options.isVerbose) env.TF_LOG = "JSON";
  const base = {
    binary: setup.binary.path,
    cwd: workDir.tree,
    env,
    supervisor,
    interrupt: run.interrupt,
    force: run.force,
    leaseRemainingMs: run.leaseRemainingMs,
  };
  const log = (stage: string, level: Level, output: string) =>
    run.log({ stage, level, output: redact(output) });

  return {
    timings,
    warnings,
    redact,
    say: (stage, output, level = "info") => log(stage, level, output),
    async report(stage, found) {
      for (const item of found) {
        const isError = item.severity === LogLevel.ERROR;
        await log(stage, isError ? "error" : "warn", textOf(item));
        if (!isError) warnings.push(redactDiagnostic(item, redact));
      }
      const errors = found.filter(({ severity }) => severity === LogLevel.ERROR);
      if (errors.length === 0) return;
      const message = errors.map((item) => redact(textOf(item))).join("\n");
      const diagnostics = errors.map((item) => redactDiagnostic(item, redact));
      throw new EngineFailure(message, { diagnostics, timings });
    },
    async command(stage, span, args) {
      const parser = createTerraformLogParser();
      const diagnostics: DiagnosticInit[] = [];
      const exit = await runTerraform({
        ...base,
        args,
        async onLine(line) {
          const parsed = parser.line(line);
          if (parsed.operation !== undefined) options.creations?.observe(parsed.operation);
          diagnostics.push(...parsed.diagnostics.map((found) => redactDiagnostic(found, redact)));
          for (const { level, output } of parsed.logs) await log(stage, level, output);
        },
        onErrorLine: (line) => logErrorLine(line, (level, output) => log(stage, level, output)),
      });
      timings.push(...parser.timings().map((timing: TimingInit) => ({ ...timing, stage: span })));
      warnings.push(...diagnostics.filter(({ severity }) => severity === LogLevel.WARN));
      if (exit.code !== 0) throw commandFailure(args[0] ?? "", exit, diagnostics, timings);
      return { exit, diagnostics };
    },
    async read(args) {
      const lines: string[] = [];
      let bytes = 0;
      const errors: string[] = [];
      const exit = await runTerraform({
        ...base,
        args,
        maxLineBytes: MAX_SHOWN_BYTES,
        onLine(line) {
          bytes += line.length;
          if (bytes <= MAX_SHOWN_BYTES) lines.push(line);
        },
        onErrorLine: (line) => void errors.push(line),
      });
      if (bytes > MAX_SHOWN_BYTES) throw new EngineFailure(`terraform ${args[0]} printed more than 128 MiB.`);
      if (exit.code !== 0) {
        const reason = redact(errors.slice(-20).join("\n"));
        throw commandFailure(args[0] ?? "", exit, [{ severity: LogLevel.ERROR, summary: reason }], timings);
      }
      return lines.join("\n");
    },
  };
}

/**
 * Runs `work` on the job's state: puts it in place, reports every newer one, and hands the one that was
 * reached to whoever learns of the end, also of a bad end (provisioning.md §1.12, engine.md §6).
 */
export async function withState<T>(
  options: { run: EngineRun; workDir: WorkDir; state: Uint8Array },
  work: (creations: Creations) => Promise<T>,
): Promise<{ result: T; state: StateSnapshot | null }> {
  const { run, workDir } = options;
  const creations = createCreations({
    onBegin: () => run.noteCreating(creations.unsaved()),
    onProvision() {
      workDir.noteUnprovisioned(creations.unprovisioned());
      watcher.repeat();
    },
  });
  const file = join(workDir.tree, STATE_FILE);
  const before = options.state.byteLength === 0 ? null : parseStateSnapshot(options.state);
  if (options.state.byteLength > 0) {
    if (before === null)
      throw new EngineFailure(
        "The workspace's state is not a Terraform state file. Ask an administrator to look at it with `coder state pull`.",
      );
    await writeFile(file, options.state, { mode: 0o600 });
  }
  let heldBefore: ReadonlySet<string> | undefined;
  const tainted = (snapshot: StateSnapshot) => {
    const addresses = creations.unprovisioned();
    if (addresses.length === 0) return snapshot;
    heldBefore ??= addressesOf(options.state);
    return taint(snapshot, addresses, heldBefore);
  };
  const watcher = watchState(workDir.tree, before, (snapshot) => {
    creations.saved(snapshot);
    run.saveState(tainted(snapshot), creations.unsaved());
  });
  try {
    const result = await work(creations);
    return { result, state: await watcher.finish() };
  } catch (error) {
    const reached = await watcher.finish().catch(() => null);
    const changed = reached !== null && reached !== before ? tainted(reached) : undefined;
    if (changed !== undefined) creations.saved(changed);
    if (!(await isTorn(file))) creations.written();
    const failure =
      error instanceof EngineFailure ? error : new EngineFailure(messageOf(error), { cause: error });
    throw failureWithState(failure, changed, creations.unsaved());
  }
}

/** Where the disk was full, Terraform leaves a part of its state. */
async function isTorn(file: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => null);
  return bytes !== null && parseStateSnapshot(bytes) === null;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function failureWithState(
  error: EngineFailure,
  state: StateSnapshot | undefined,
  unsaved: string[],
): EngineFailure {
  return new EngineFailure(error.message, {
    code: error.code,
    state,
    unsaved,
    diagnostics: error.diagnostics,
    timings: error.timings,
    cause: error.cause,
  });
}

function textOf({ file, line, summary, detail }: DiagnosticInit): string {
  const place = file ? `${file}:${line}: ` : "";
  return `${place}${summary}${detail ? `: ${detail}` : ""}`;
}

function commandFailure(
  command: string,
  exit: TerraformExit,
  diagnostics: DiagnosticInit[],
  timings: MessageInitShape<typeof TimingSchema>[],
): EngineFailure {
  if (exit.interrupted)
    return new EngineFailure(`terraform ${command} was interrupted.`, { diagnostics, timings });
  const first = diagnostics.find(({ severity }) => severity === LogLevel.ERROR);
  const place = first?.file ? ` (${first.file}, line ${first.line})` : "";
  const detail = first?.detail ? `: ${first.detail.trim()}` : "";
  const reason =
    first === undefined
      ? `ended with ${exit.signal === null ? `status ${exit.code}` : `signal ${exit.signal}`}`
      : `${first.summary}${detail}${place}`;
  return new EngineFailure(`terraform ${command}: ${reason}`, { diagnostics, timings });
}

// With TF_LOG=JSON the debug log comes on standard error, one object a line (provisioning.md §7.2).
function logErrorLine(
  line: string,
  log: (level: Level, output: string) => void | Promise<void>,
): void | Promise<void> {
  if (line.startsWith("{")) {
    try {
      const entry: unknown = JSON.parse(line);
      if (typeof entry === "object" && entry !== null && "@message" in entry) {
        const level = "@level" in entry && entry["@level"] === "trace" ? "trace" : "debug";
        return log(level, String(entry["@message"]));
      }
    } catch {
      // Not an object after all: a line like any other.
    }
  }
  return log("error", line);
}
