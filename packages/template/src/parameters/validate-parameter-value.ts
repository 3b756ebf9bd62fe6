import { matchesGoPattern, PatternError } from "./go-regexp.ts";
import type { RichParameter } from "./rich-parameter.ts";

/**
 * Judges one value by the rules of provisioning.md §13.3, as server and command line both do: null when the
 * value is good, else a message for the person who chose it. `previous` is the value of the last build.
 */
export function validateParameterValue(
  parameter: RichParameter,
  value: string,
  previous?: string,
): string | null {
  if (value === "" && !parameter.required && parameter.defaultValue === "" && isFree(parameter)) return null;
  const typeProblem = checkType(parameter, value);
  if (typeProblem !== null) return typeProblem;
  return (
    checkOptions(parameter, value) ??
    checkNumber(parameter, value, previous) ??
    checkPattern(parameter, value)
  );
}

/**
 * What is wrong with a parameter itself, before anybody gives it a value: options that are not unique or do
 * not fit the type, rules that the type can't have, a default that breaks the rules.
 */
export function validateParameterDefinition(parameter: RichParameter): string[] {
  const problems: string[] = [];
  const { options, type } = parameter;
  if (new Set(options.map((option) => option.name)).size < options.length) {
    problems.push("Option names must be unique.");
  }
  if (new Set(options.map((option) => option.value)).size < options.length) {
    problems.push("Option values must be unique.");
  }
  for (const option of options) {
    const problem = isMultiSelect(parameter) ? null : checkType(parameter, option.value);
    if (problem !== null)
      problems.push(`The option "${option.name}" does not fit the type ${type}: ${problem}`);
  }
  const hasRange = parameter.validationMin !== undefined || parameter.validationMax !== undefined;
  if (type !== "number" && (hasRange || parameter.validationMonotonic !== undefined)) {
    problems.push("min, max and monotonic may be set for parameters of type number only.");
  }
  if (parameter.validationRegex !== undefined && parameter.validationRegex !== "") {
    if (type !== "string") problems.push("regex may be set for parameters of type string only.");
    if (!parameter.validationError) problems.push("regex needs an error that tells people what is expected.");
  }
  if (parameter.ephemeral && parameter.required) problems.push("An ephemeral parameter needs a default.");
  if (parameter.ephemeral && !parameter.mutable) problems.push("An ephemeral parameter must be mutable.");
  if (!parameter.required && parameter.defaultValue !== "") {
    const problem = validateParameterValue(parameter, parameter.defaultValue);
    if (problem !== null) problems.push(`The default breaks the parameter's own rules: ${problem}`);
  }
  return problems;
}

/** Without options and rules an empty value is accepted; whoever asks enforces `required`. */
function isFree(parameter: RichParameter): boolean {
  return (
    parameter.options.length === 0 &&
    !parameter.validationRegex &&
    parameter.validationMin === undefined &&
    parameter.validationMax === undefined &&
    parameter.validationMonotonic === undefined
  );
}

function checkType(parameter: RichParameter, value: string): string | null {
  switch (parameter.type) {
    case "number":
      return isNumber(value) ? null : `${quote(value)} is not a number.`;
    case "bool":
      return value === "true" || value === "false"
        ? null
        : `${quote(value)} must be either "true" or "false".`;
    case "list(string)":
      return parseList(value) === null
        ? `${quote(value)} is not a JSON array of strings, such as ["a","b"].`
        : null;
    case "string":
      return null;
  }
}

function checkOptions(parameter: RichParameter, value: string): string | null {
  if (parameter.options.length === 0) return null;
  const allowed = parameter.options.map((option) => option.value);
  const chosen = isMultiSelect(parameter) ? (parseList(value) ?? []) : [value];
  const stray = chosen.find((item) => !allowed.includes(item));
  if (stray === undefined) return null;
  return `${quote(stray)} must be a valid option. Choose from: ${allowed.map(quote).join(", ")}.`;
}

function checkNumber(parameter: RichParameter, value: string, previous: string | undefined): string | null {
  if (parameter.type !== "number") return null;
  const { validationMin: min, validationMax: max, validationMonotonic: monotonic } = parameter;
  const number = Number(value);
  if (min !== undefined && number < min) {
    return ownMessage(parameter, value) ?? `${value} is less than the minimum of ${min}.`;
  }
  if (max !== undefined && number > max) {
    return ownMessage(parameter, value) ?? `${value} is more than the maximum of ${max}.`;
  }
  // A previous value that is no number binds nobody.
  if (monotonic === undefined || previous === undefined || !isNumber(previous)) return null;
  if (monotonic === "increasing" && number < Number(previous)) {
    return (
      ownMessage(parameter, value) ??
      `${value} must be equal to or greater than the previous value, ${previous}.`
    );
  }
  if (monotonic === "decreasing" && number > Number(previous)) {
    return (
      ownMessage(parameter, value) ??
      `${value} must be equal to or less than the previous value, ${previous}.`
    );
  }
  return null;
}

function checkPattern(parameter: RichParameter, value: string): string | null {
  const pattern = parameter.validationRegex;
  if (parameter.type !== "string" || !pattern) return null;
  try {
    if (matchesGoPattern(pattern, value)) return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return `The template's pattern ${quote(pattern)} can't be checked: ${error.message} Ask the template's author.`;
  }
  return ownMessage(parameter, value) ?? `${quote(value)} does not match the pattern ${quote(pattern)}.`;
}

/** The author's own words, with `{min}`, `{max}` and `{value}` filled in. */
function ownMessage(parameter: RichParameter, value: string): string | null {
  if (!parameter.validationError) return null;
  const fields: Record<string, string> = {
    min: String(parameter.validationMin ?? ""),
    max: String(parameter.validationMax ?? ""),
    value,
  };
  return parameter.validationError.replace(
    /\{(min|max|value)\}/g,
    (all, field: string) => fields[field] ?? all,
  );
}

function isMultiSelect(parameter: RichParameter): boolean {
  return (
    parameter.type === "list(string)" &&
    (parameter.formType === "multi-select" || parameter.formType === "multi_select")
  );
}

function parseList(value: string): string[] | null {
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : null;
  } catch {
    return null;
  }
}

function isNumber(value: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value) && Number.isFinite(Number(value));
}

function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
