import {
  type Diagnostic,
  type EvaluatedParameter,
  type EvaluationInputs,
  formatDiagnostic,
  mayDeclare,
  type OpenedTemplate,
  type ParameterDiagnostic,
  type PlanData,
  planDataOf,
  type RichParameter,
  validateParameterValue,
  type WorkspaceFacts,
} from "@slipway/template";
import { toRecord } from "../builds/evaluate-workspace-tags.ts";
import type { NamedValue } from "../builds/match-preset.ts";
import type { Deps } from "../deps.ts";
import { openVersion } from "./open-template.ts";
import { templateOwner } from "./template-owner.ts";
import { versionParameters } from "./version-parameters.ts";
import { readVersionVariables } from "./version-variables.ts";

export type RenderedForm = {
  parameters: EvaluatedParameter[];
  diagnostics: Diagnostic[];
  /** The errors among the diagnostics, with their places: while there are any, nothing can be built. */
  errors: string[];
};

/** The parameters of a version for one owner: which there are follows from the values that are chosen. */
export type ParameterForm = {
  /** False for versions without Terraform code: each parameter is then judged by itself. */
  isDynamic: boolean;
  render(values: Readonly<Record<string, string>>): Promise<RenderedForm>;
};

export type FormInput = {
  version: { id: string; organizationId: string; provisioner: string; fileId: string };
  ownerId: string;
  workspace?: WorkspaceFacts;
  /** Values of variables in place of the version's own. */
  variables?: readonly NamedValue[];
};

// A real template takes a few milliseconds.
const limits = { timeMs: 1_000 };

/** Reads all that a version's parameters depend on; rendering then takes no time worth the name. */
export async function openParameterForm(deps: Deps, input: FormInput): Promise<ParameterForm> {
  const { version, workspace } = input;
  if (version.provisioner !== "terraform") return staticForm(await versionParameters(deps.db, version.id));
  const [imported, opened, owner, variables] = await Promise.all([
    versionParameters(deps.db, version.id),
    openVersion(deps, version),
    templateOwner(deps.db, input.ownerId, version.organizationId),
    readVersionVariables(deps.db, deps.keyring, version.id),
  ]);
  const inputs: EvaluationInputs = {
    variables: toRecord([...variables, ...(input.variables ?? [])]),
    owner,
    workspace: { access_url: deps.config.accessUrl, ...workspace },
    planData: readsData(opened) ? await readPlanData(deps, version.id) : new Map(),
    limits,
  };
  return {
    isDynamic: true,
    render: (values) => render(opened, imported, { ...inputs, inputs: values }),
  };
}

async function render(
  opened: OpenedTemplate,
  imported: readonly RichParameter[],
  inputs: EvaluationInputs & { inputs: Readonly<Record<string, string>> },
): Promise<RenderedForm> {
  const { parameters: evaluated, diagnostics, undecided } = await opened.evaluateParameters(inputs);
  const byName = new Map(imported.map((parameter) => [parameter.name, parameter]));
  // What only a plan knows is shown as the import's plan had it.
  const parameters = evaluated.map((parameter) => {
    const known = parameter.diagnostics.some(({ code }) => code === "unknown") && byName.get(parameter.name);
    return known ? asImported(known, inputs.inputs) : parameter;
  });
  const blocks = Object.values(opened.template.modules).flatMap((module) => module.blocks);
  const names = new Set(parameters.map(({ name }) => name));
  for (const parameter of imported) {
    const { name } = parameter;
    // No block that is known here makes it: it comes from a module that was not kept with the version.
    if (names.has(name) || (mayDeclare(blocks, name) && !mayDeclare(undecided, name))) continue;
    parameters.push(asImported(parameter, inputs.inputs));
  }
  return {
    parameters: parameters.sort((a, b) => a.order - b.order),
    diagnostics,
    errors: diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic),
  };
}

/** For versions whose parameters are known from their import only. */
export function staticForm(imported: readonly RichParameter[]): ParameterForm {
  return {
    isDynamic: false,
    render: async (values) => ({
      parameters: imported.map((parameter) => asImported(parameter, values)),
      diagnostics: [],
      errors: [],
    }),
  };
}

/** A parameter as the import found it, with the value judged by itself. */
function asImported(parameter: RichParameter, values: Readonly<Record<string, string>>): EvaluatedParameter {
  const { name, required, defaultValue } = parameter;
  const given = Object.hasOwn(values, name) ? (values[name] ?? null) : null;
  return {
    ...parameter,
    value: given ?? (required ? null : defaultValue),
    isDefaultKnown: true,
    styling: {},
    diagnostics: judge(parameter, given),
  };
}

function judge(parameter: RichParameter, given: string | null): ParameterDiagnostic[] {
  if (given === null && !parameter.required) return [];
  if (given === null || (given === "" && parameter.required)) {
    const detail = `The parameter "${parameter.name}" has no default.`;
    return [{ severity: "error", summary: "A value is required", detail, code: "required" }];
  }
  const refusal = validateParameterValue(parameter, given);
  if (refusal === null) return [];
  return [{ severity: "error", summary: "The value is not valid", detail: refusal, code: "invalid" }];
}

/** Whether there are data sources but those of the provider `coder`, for which no plan is needed. */
function readsData({ template }: OpenedTemplate): boolean {
  const blocks = Object.values(template.modules).flatMap((module) => module.blocks);
  return blocks.some(({ type, labels: [kind = ""] }) => type === "data" && !kind.startsWith("coder_"));
}

async function readPlanData(deps: Deps, versionId: string): Promise<PlanData> {
  const { plan } = await deps.db
    .selectFrom("template_versions")
    .select("plan")
    .where("id", "=", versionId)
    .executeTakeFirstOrThrow();
  if (plan === null) return new Map();
  try {
    return planDataOf(JSON.parse(plan.toString("utf8")));
  } catch (error) {
    // A daemon of somebody's own sent something else. What depends on data sources is then unknown.
    deps.log.warn({ err: error, versionId }, "the plan of a template version is not JSON");
    return new Map();
  }
}
