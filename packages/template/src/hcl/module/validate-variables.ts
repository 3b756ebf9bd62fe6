import type { Diagnostic } from "../diagnostic.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { BOOL, STRING } from "../values/type.ts";
import { hasSensitive, isKnown, isNull, type Value } from "../values/value.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import type { ModuleInstance } from "./module-instance.ts";
import type { ParsedArgument, ParsedBlock, ParsedTemplate, Place } from "./parsed-template.ts";
import { allInstances, diagnosticOf, startEvaluation } from "./start-evaluation.ts";
import type { TemplateFiles } from "./template-source.ts";

const INVALID_VALUE = "Invalid value for variable";
const INVALID_RESULT = "Invalid variable validation result";
const NO_MESSAGE = "Failed to evaluate condition error message.";

/** The rules of `validation` blocks that the variables of a template break, in Terraform's words. */
export function validateVariables(
  template: ParsedTemplate,
  files: TemplateFiles,
  inputs: EvaluationInputs = {},
): Diagnostic[] {
  const modules = Object.values(template.modules);
  // Most templates have none, and then nothing needs to be evaluated.
  if (!modules.some(({ blocks }) => blocks.some((block) => validationsOf(block).length > 0))) return [];
  try {
    return brokenRules(allInstances(startEvaluation(template, files, inputs)));
  } catch (error) {
    return [diagnosticOf(error, INVALID_VALUE, null)];
  }
}

/** The same for modules as they are called, each rule and value once. */
export function brokenRules(instances: readonly ModuleInstance[]): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const instance of instances) {
    for (const block of instance.blocks) {
      for (const rule of validationsOf(block)) {
        for (const problem of judge(instance, block, rule)) found.set(JSON.stringify(problem), problem);
      }
    }
  }
  return [...found.values()];
}

function validationsOf(block: ParsedBlock): ParsedBlock[] {
  return block.type === "variable" ? block.blocks.filter(({ type }) => type === "validation") : [];
}

/** What is not known yet breaks no rule: the plan has the last word. */
function judge(instance: ModuleInstance, variable: ParsedBlock, rule: ParsedBlock): Diagnostic[] {
  const { condition } = rule.arguments;
  if (condition === undefined) return [];
  const refuse = (detail: string): Diagnostic[] => [
    { severity: "error", summary: INVALID_RESULT, detail, ...placeOnly(condition) },
  ];
  try {
    const result = instance.evaluate(condition, {});
    if (!isKnown(result)) return [];
    if (isNull(result)) {
      return refuse("Validation condition expression must return either true or false, not null.");
    }
    if (convert(result, BOOL).data !== false) return [];
  } catch (error) {
    if (error instanceof ConversionError) {
      return refuse("Invalid validation condition result value: a bool is required.");
    }
    return [diagnosticOf(error, INVALID_RESULT, placeOnly(condition))];
  }
  const message = messageOf(instance, rule.arguments.error_message);
  const place = placeOnly(instance.placeOfInput(variable.labels[0] ?? "") ?? variable);
  const detail = `${message.text}\n\nThis was checked by the validation rule at ${rangeOf(rule)}.`;
  return [...message.problems, { severity: "error", summary: INVALID_VALUE, detail, ...place }];
}

type Message = { text: string; problems: Diagnostic[] };

function messageOf(instance: ModuleInstance, argument: ParsedArgument | undefined): Message {
  if (argument === undefined) return { text: NO_MESSAGE, problems: [] };
  const unsuitable = (detail: string): Message => {
    const problem: Diagnostic = { severity: "error", summary: "Invalid error message", detail };
    return { text: NO_MESSAGE, problems: [{ ...problem, ...placeOnly(argument) }] };
  };
  let value: Value;
  try {
    value = convert(instance.evaluate(argument, {}), STRING);
  } catch (error) {
    if (error instanceof ConversionError) {
      return unsuitable("Unsuitable value for error message: string required.");
    }
    const problem = diagnosticOf(error, "Invalid error message", placeOnly(argument));
    return { text: NO_MESSAGE, problems: [problem] };
  }
  // Terraform shows it for a root module's variable; people who fill in a form may not see what its author may.
  if (hasSensitive(value)) {
    return {
      text: "The error message included a sensitive value, so it will not be displayed.",
      problems: [],
    };
  }
  const text = typeof value.data === "string" ? value.data.trim() : "";
  return { text: text === "" ? NO_MESSAGE : text, problems: [] };
}

/** A place alone: blocks and arguments have one, and more. */
function placeOnly({ file, line, column }: Place): Place {
  return { file, line, column };
}

/** `main.tf:4,3-13`: the word `validation` that begins the block. The JSON syntax keeps no such places. */
function rangeOf({ file, line, column, type }: ParsedBlock): string {
  return file.endsWith(".json") ? file : `${file}:${line},${column}-${column + type.length}`;
}
