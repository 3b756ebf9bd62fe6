import { join } from "node:path";
import { LogLevel, type NamedValue, WorkspaceTransition } from "@slipway/proto/provisioner";
import type { Job_TemplateImport } from "@slipway/proto/provisionerd";
import {
  type Diagnostic,
  formatDiagnostic,
  parseVariables,
  parseWorkspaceTags,
  readRootFiles,
  readTemplateFiles,
} from "@slipway/template";
import {
  type DiagnosticInit,
  EngineFailure,
  type EngineRun,
  type ImportResult,
  type LearntOfTemplate,
} from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { openImportForm } from "./import-form.ts";
import { externalAuthFromPlan, parametersFromPlan, presetsFromPlan } from "./interpret.ts";
import { judgePresets } from "./judge-presets.ts";
import { placeholderValues } from "./placeholder-values.ts";
import { planResources } from "./plan-resources.ts";
import { prepareVersion } from "./prepare-version.ts";
import { runForJob } from "./run-for-job.ts";
import type { TerraformRun } from "./terraform-run.ts";
import { createWorkDir } from "./work-dirs.ts";

const PARSE_STAGE = "Parsing template parameters";

/** Learns what a template version declares and what it would make (engine.md §4, "Import"). */
export async function importVersion(
  deps: EngineDeps,
  input: Job_TemplateImport,
  run: EngineRun,
  learn: (learnt: LearntOfTemplate) => Promise<NamedValue[]>,
): Promise<ImportResult> {
  const archive = await run.source.read();
  await run.log({
    level: "info",
    stage: PARSE_STAGE,
    output: "Reading the template.",
    source: "provisioner_daemon",
  });
  const files = await readRootFiles(archive);
  const values = await learnFromSources(files, run, learn);
  const setup = await deps.setUp();
  const workDir = await createWorkDir(deps.workParent, { jobId: run.jobId, epoch: run.epoch, state: null });
  try {
    const prepared = await prepareVersion(deps, { run, workDir, setup, mayDropLock: input.ignoreLockFile });
    // The modules that init brought ask for values, too.
    const form = await openImportForm(await readTemplateFiles(archive, prepared.modules?.tar), values);
    const placeholders = placeholderValues(form);
    const runFor = (transition: WorkspaceTransition): TerraformRun =>
      runForJob(deps, {
        run,
        setup,
        workDir,
        prepared,
        environment: { metadata: input.metadata, transition, parameters: placeholders, variables: values },
      });
    const starting = runFor(WorkspaceTransition.START);
    const start = await planResources(starting, {
      stage: "Detecting persistent resources",
      planFile: join(workDir.root, "start.plan"),
      args: [],
    });
    if (!start.resources.some(({ agents }) => agents.length > 0)) {
      await starting.report("Detecting persistent resources", [noAgent]);
    }
    const stopping = runFor(WorkspaceTransition.STOP);
    const stop = await planResources(stopping, {
      stage: "Detecting ephemeral resources",
      planFile: join(workDir.root, "stop.plan"),
      args: ["-refresh=false"],
      graph: start.graph,
    });
    const { parameters, diagnostics } = parametersFromPlan(start.plan);
    await starting.report(PARSE_STAGE, diagnostics);
    const { presets, diagnostics: presetDiagnostics } = presetsFromPlan(start.plan);
    await starting.report(PARSE_STAGE, [...presetDiagnostics, ...judgePresets(presets, parameters, form)]);
    const warnings = distinct([...prepared.warnings, ...starting.warnings, ...stopping.warnings]);
    return {
      startResources: start.resources,
      stopResources: stop.resources,
      richParameters: parameters,
      externalAuthProviders: externalAuthFromPlan(start.plan),
      presets,
      plan: Buffer.from(starting.redact(start.text)),
      lockFile: prepared.lockFile,
      moduleFiles: prepared.modules?.tar ?? new Uint8Array(),
      moduleFilesHash: prepared.modules?.hash ?? "",
      warnings,
      hasExternalAgent: start.resources.some(({ type }) => type === "coder_external_agent"),
    };
  } finally {
    await workDir.remove();
  }
}

async function learnFromSources(
  files: Map<string, string>,
  run: EngineRun,
  learn: (learnt: LearntOfTemplate) => Promise<NamedValue[]>,
): Promise<NamedValue[]> {
  const { variables, diagnostics } = await parseVariables(files);
  await failOnErrors(diagnostics, run);
  // The server judged the tags, with values that are not known here, before it queued this job.
  const { tags } = await parseWorkspaceTags(files);
  const values = await learn({
    templateVariables: variables,
    readme: Buffer.from(files.get("README.md") ?? ""),
    workspaceTags: Object.fromEntries(tags),
  });
  const given = new Map(values.map(({ name, value }) => [name, value]));
  const missing = variables.filter(({ name, required }) => required && (given.get(name) ?? "") === "");
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(", ");
    throw new EngineFailure(
      `The required template variables ${names} have no value. Give them with --variable NAME=VALUE or --variables-file.`,
      { code: "REQUIRED_TEMPLATE_VARIABLES" },
    );
  }
  return values;
}

async function failOnErrors(diagnostics: Diagnostic[], run: EngineRun): Promise<void> {
  for (const found of diagnostics) {
    const level = found.severity === "error" ? "error" : "warn";
    await run.log({ level, stage: PARSE_STAGE, output: formatDiagnostic(found) });
  }
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  throw new EngineFailure(errors.map(formatDiagnostic).join("\n"), { diagnostics: errors.map(toProto) });
}

function toProto({ severity, summary, detail, file, line }: Diagnostic): DiagnosticInit {
  return {
    severity: severity === "error" ? LogLevel.ERROR : LogLevel.WARN,
    summary,
    detail,
    file: file ?? "",
    line: line ?? 0,
  };
}

const noAgent: DiagnosticInit = {
  severity: LogLevel.WARN,
  summary: "The template has no agent",
  detail:
    "Nobody will be able to connect to its workspaces. Add a coder_agent and run its init_script on a compute resource.",
};

function distinct(found: DiagnosticInit[]): DiagnosticInit[] {
  const seen = new Map(
    found.map((item) => [`${item.summary}\0${item.detail}\0${item.file}\0${item.line}`, item]),
  );
  return [...seen.values()];
}
