import type { RichParameter } from "../../parameters/rich-parameter.ts";
import {
  validateParameterDefinition,
  validateParameterValue,
} from "../../parameters/validate-parameter-value.ts";
import type { Diagnostic } from "../diagnostic.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import { bindingsOf } from "./expand.ts";
import { type ModuleInstance, PlacedError } from "./module-instance.ts";
import type { ParsedBlock, ParsedTemplate } from "./parsed-template.ts";
import { readParameter } from "./read-parameter.ts";
import { allInstances, diagnosticOf, startEvaluation } from "./start-evaluation.ts";
import type { TemplateFiles } from "./template-source.ts";
import { brokenRules } from "./validate-variables.ts";

export type ParameterDiagnosticCode = "required" | "invalid" | "unknown" | "definition";

/** A diagnostic with the code that the form's answer carries in `extra`. */
export type ParameterDiagnostic = Diagnostic & { code: ParameterDiagnosticCode };

/** A parameter as the present inputs make it: what a person sees in the form (provisioning.md §9). */
export type EvaluatedParameter = RichParameter & {
  /** Null when it has none, or none that is known yet. */
  value: string | null;
  /** False when a default is there but not known yet. */
  isDefaultKnown: boolean;
  styling: { placeholder?: string; disabled?: boolean; label?: string; mask_input?: boolean };
  diagnostics: ParameterDiagnostic[];
};

const SUMMARY = "Invalid parameter";

/**
 * The parameters of a template for these inputs, in the order in which people are asked for them. Which there are, their
 * defaults and options may depend on other parameters and on the owner. Of blocks that are `undecided` it is not known
 * before a build how many parameters they make.
 */
export function evaluateParameters(
  template: ParsedTemplate,
  files: TemplateFiles,
  inputs: EvaluationInputs = {},
): { parameters: EvaluatedParameter[]; diagnostics: Diagnostic[]; undecided: ParsedBlock[] } {
  const parameters: EvaluatedParameter[] = [];
  const diagnostics = [...template.diagnostics];
  const undecided: ParsedBlock[] = [];
  try {
    const instances = allInstances(startEvaluation(template, files, inputs));
    diagnostics.push(...brokenRules(instances));
    for (const instance of instances) {
      for (const block of instance.blocks.filter(isParameter)) {
        addInstances(instance, block, parameters, diagnostics, undecided);
      }
    }
  } catch (error) {
    diagnostics.push(diagnosticOf(error, "The template can't be evaluated", null));
  }
  return { parameters: parameters.sort((a, b) => a.order - b.order), diagnostics, undecided };
}

/** Whether a block of the template may make a parameter of this name: it says so, or its name is computed. */
export function mayDeclare(blocks: readonly ParsedBlock[], name: string): boolean {
  return blocks.filter(isParameter).some((block) => {
    const tree = block.arguments.name?.tree;
    return tree?.type !== "literal" || tree.value === name;
  });
}

function isParameter({ type, labels }: ParsedBlock): boolean {
  return type === "data" && labels[0] === "coder_parameter";
}

function addInstances(
  instance: ModuleInstance,
  block: ParsedBlock,
  parameters: EvaluatedParameter[],
  diagnostics: Diagnostic[],
  undecided: ParsedBlock[],
): void {
  const { file, line, column } = block;
  const place = { file, line, column };
  try {
    const all = bindingsOf(instance, block);
    if (all === null) {
      undecided.push(block);
      const detail = `How many parameters "${block.labels[1]}" there are is not known before a build.`;
      diagnostics.push({ severity: "warning", summary: "Parameters are not known yet", detail, ...place });
      return;
    }
    for (const bindings of all) {
      const found = readParameter(instance, block, bindings);
      const twin = parameters.find(({ name }) => name === found.name);
      if (twin !== undefined)
        throw new PlacedError(`Two parameters have the name "${found.name}".`, place, undefined);
      parameters.push({ ...found, diagnostics: [...found.diagnostics, ...judge(found, block)] });
    }
  } catch (error) {
    diagnostics.push(diagnosticOf(error, SUMMARY, place));
  }
}

/** What is wrong with the parameter, or else with its value. */
function judge(parameter: EvaluatedParameter, { file, line, column }: ParsedBlock): ParameterDiagnostic[] {
  // What is missing in the definition would only be complained of twice.
  if (parameter.diagnostics.length > 0) return [];
  const problem = (code: ParameterDiagnosticCode, summary: string, detail: string): ParameterDiagnostic => {
    return { severity: "error", code, summary, detail, file, line, column };
  };
  const definition = validateParameterDefinition(withoutDefault(parameter));
  if (definition.length > 0) return definition.map((detail) => problem("definition", SUMMARY, detail));
  if (parameter.value === null) {
    if (!parameter.required) return [];
    return [problem("required", "A value is required", `The parameter "${parameter.name}" has no default.`)];
  }
  if (parameter.value === "" && parameter.required) {
    return [problem("required", "A value is required", `The parameter "${parameter.name}" has no default.`)];
  }
  const refusal = validateParameterValue(parameter, parameter.value);
  return refusal === null ? [] : [problem("invalid", "The value is not valid", refusal)];
}

/** A default counts only as long as it is the value, and is then judged as such (provisioning.md §13.3). */
function withoutDefault(parameter: EvaluatedParameter): RichParameter {
  return { ...parameter, defaultValue: "" };
}
