import type { parameters } from "@slipway/api";
import { type RichParameter, validateParameterValue } from "@slipway/template";

type Preview = parameters.PreviewParameter;
type Diagnostic = parameters.Diagnostic;

/** What is known of parameters before a build: those that the import found, judged with the values given so far. */
export function previewParameters(
  found: readonly RichParameter[],
  inputs: Readonly<Record<string, string>>,
): Preview[] {
  return found.map((parameter) => {
    const given = Object.hasOwn(inputs, parameter.name) ? inputs[parameter.name] : undefined;
    const hasDefault = !parameter.required;
    const value = given ?? parameter.defaultValue;
    return {
      name: parameter.name,
      display_name: parameter.displayName,
      description: parameter.description,
      type: parameter.type,
      // Stored from the provider's list, which is the API's.
      form_type: parameter.formType as Preview["form_type"],
      styling: {},
      mutable: parameter.mutable,
      default_value: { value: parameter.defaultValue, valid: hasDefault },
      icon: parameter.icon,
      options: parameter.options.map((option) => ({
        ...option,
        value: { value: option.value, valid: true },
      })),
      validations: validationsOf(parameter),
      required: parameter.required,
      order: parameter.order,
      ephemeral: parameter.ephemeral,
      value: { value, valid: given !== undefined || hasDefault },
      diagnostics: diagnose(parameter, given),
    };
  });
}

function validationsOf(parameter: RichParameter): Preview["validations"] {
  const { validationRegex, validationMin, validationMax, validationMonotonic } = parameter;
  const rules = [validationRegex, validationMin, validationMax, validationMonotonic];
  if (rules.every((rule) => rule === undefined)) return [];
  return [
    {
      validation_error: parameter.validationError ?? "",
      validation_regex: validationRegex ?? null,
      validation_min: validationMin ?? null,
      validation_max: validationMax ?? null,
      validation_monotonic: validationMonotonic ?? null,
    },
  ];
}

function diagnose(parameter: RichParameter, given: string | undefined): Diagnostic[] {
  if (given === undefined && !parameter.required) return [];
  if (given === undefined || (given === "" && parameter.required)) {
    return [problem("A value is required", `The parameter "${parameter.name}" has no default.`, "required")];
  }
  const refusal = validateParameterValue(parameter, given);
  return refusal === null ? [] : [problem("The value is not valid", refusal, "invalid")];
}

function problem(summary: string, detail: string, code: string): Diagnostic {
  return { severity: "error", summary, detail, extra: { code } };
}
