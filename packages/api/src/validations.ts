import type { z } from "zod";
import { shown, type ValidationError } from "./common.ts";

type RawIssue = z.core.$ZodRawIssue;

const typeNames: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a JSON object",
  record: "a JSON object",
};

/** Says what is wrong with a value and what is expected instead. Schemas with a message of their own win. */
export function describeIssue(issue: RawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type":
      if (input === undefined) return "is required.";
      return `must be ${typeNames[issue.expected] ?? `a ${issue.expected}`}, got ${shown(input)}.`;
    case "invalid_value":
      if (input === undefined) return "is required.";
      return `must be one of ${issue.values.map((value) => shown(value)).join(", ")}, got ${shown(input)}.`;
    case "unrecognized_keys":
      return "is not known here. Remove it.";
    case "too_small":
      return `must be at least ${issue.minimum}${unit(issue.origin)}, got ${measured(input)}.`;
    case "too_big":
      return `must be at most ${issue.maximum}${unit(issue.origin)}, got ${measured(input)}.`;
    case "invalid_format":
      return `is not a valid ${issue.format}, got ${shown(input)}.`;
    default:
      return undefined;
  }
}

function unit(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " entries long" : "";
}

function measured(input: unknown): string {
  return typeof input === "string" || Array.isArray(input) ? String(input.length) : shown(input);
}

/** Turns a parse error into the entries of `Response.validations`, one per field. */
export function validationsFromZod(error: z.core.$ZodError): ValidationError[] {
  const byField = new Map<string, string>();
  for (const issue of error.issues) {
    const fields =
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => fieldName([...issue.path, key]))
        : [fieldName(issue.path)];
    for (const field of fields) {
      if (!byField.has(field)) byField.set(field, `${field} ${issue.message}`);
    }
  }
  return Array.from(byField, ([field, detail]) => ({ field, detail }));
}

/** Nobody reads on; and each entry is larger than the character that it is about. */
const maxUnstorable = 100;

/**
 * The entries for texts that Postgres has no form for, names of members included: those with a NUL character, and those
 * with half of a surrogate pair, which JSON can write and UTF-8 cannot.
 */
export function unstorableTexts(value: unknown): ValidationError[] {
  const found: ValidationError[] = [];
  const refuse = (path: readonly PropertyKey[], why: string) => {
    const field = fieldName(path);
    found.push({ field, detail: `${field} ${why}` });
  };
  const look = (each: unknown, path: readonly PropertyKey[]): void => {
    if (found.length >= maxUnstorable) return;
    if (typeof each === "string") {
      const problem = textProblem(each);
      if (problem) refuse(path, problem);
    } else if (Array.isArray(each)) {
      for (const [index, item] of each.entries()) look(item, [...path, index]);
    } else if (typeof each === "object" && each !== null) {
      for (const [name, member] of Object.entries(each)) {
        const problem = textProblem(name);
        if (problem) refuse(path, `has a name that ${problem}`);
        else look(member, [...path, name]);
      }
    }
  };
  look(value, []);
  return found;
}

function textProblem(text: string): string | undefined {
  if (text.includes("\0")) return "must not hold a NUL character.";
  return text.isWellFormed() ? undefined : "must be Unicode text, without halves of surrogate pairs.";
}

/** `["rich_parameter_values", 0, "name"]` is written `rich_parameter_values[0].name`. */
function fieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "body";
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
}
