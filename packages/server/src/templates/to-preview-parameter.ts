import { parameters } from "@slipway/api";
import type { EvaluatedParameter } from "@slipway/template";

type Preview = parameters.PreviewParameter;

/** A parameter of a form as the API shows it. */
export function toPreviewParameter(parameter: EvaluatedParameter): Preview {
  const { value, defaultValue, isDefaultKnown, required } = parameter;
  return {
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    type: parameter.type,
    // What no form is has its diagnostic; clients show it as broken.
    form_type: parameters.ParameterFormType.safeParse(parameter.formType).data ?? "error",
    styling: parameter.styling,
    mutable: parameter.mutable,
    default_value: { value: defaultValue, valid: !required && isDefaultKnown },
    icon: parameter.icon,
    options: parameter.options.map((option) => ({
      ...option,
      value: { value: option.value, valid: true },
    })),
    validations: validationsOf(parameter),
    required,
    order: parameter.order,
    ephemeral: parameter.ephemeral,
    value: { value: value ?? "", valid: value !== null },
    diagnostics: parameter.diagnostics.map(({ severity, summary, detail, code }) => {
      return { severity, summary, detail, extra: { code } };
    }),
  };
}

function validationsOf(parameter: EvaluatedParameter): Preview["validations"] {
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
