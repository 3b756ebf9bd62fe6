import { create } from "@bufbuild/protobuf";
import { type NamedValue, NamedValueSchema } from "@slipway/proto/provisioner";
import type { EvaluatedParameter } from "@slipway/template";
import type { ImportForm } from "./import-form.ts";
import { sampleOfPattern } from "./sample-of-pattern.ts";

/** Parameters that appear because of other placeholders are found in further rounds; nobody nests them deeper. */
const MAX_ROUNDS = 10;

/**
 * Values for the import, for parameters that people must choose. The provider holds "" against the rules of a
 * parameter that has neither value nor default (provisioning.md 13.3, "Value rule"), and then nothing could be learnt
 * of the template. Whatever is planned with them is not kept; builds get what people give, or are refused before.
 */
export function placeholderValues(form: ImportForm): NamedValue[] {
  const found = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { parameters } = form(Object.fromEntries(found));
    const before = found.size;
    for (const parameter of parameters) {
      const value = parameter.required && parameter.value === null ? placeholderFor(parameter) : null;
      if (value !== null && value !== "") found.set(parameter.name, value);
    }
    if (found.size === before) break;
  }
  return [...found].map(([name, value]) => create(NamedValueSchema, { name, value }));
}

/** Null where "" is accepted, or where the rule is known to the plan only. */
function placeholderFor(parameter: EvaluatedParameter): string | null {
  const { type, options, validationRegex, validationMin, validationMax, validationMonotonic } = parameter;
  if (parameter.diagnostics.some(({ code }) => code === "unknown")) return null;
  const [option] = options;
  const rules = [validationRegex, validationMin, validationMax, validationMonotonic];
  if (rules.every((rule) => rule === undefined)) return null;
  if (option !== undefined) return type === "list(string)" ? "[]" : option.value;
  switch (type) {
    case "string":
      return validationRegex === undefined ? null : sampleOfPattern(validationRegex);
    case "number":
      return String(validationMin ?? validationMax ?? 0);
    case "bool":
      return "false";
    case "list(string)":
      return "[]";
  }
}
