import type { parameters } from "@slipway/api";
import { plaintext, type RichParameter } from "@slipway/template";
import type { VersionPreset } from "./version-presets.ts";
import type { VersionVariable } from "./version-variables.ts";

export function toApiParameter(parameter: RichParameter): parameters.TemplateVersionParameter {
  return {
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    description_plaintext: plaintext(parameter.description),
    type: parameter.type,
    // Stored from the provider's list, which is the API's.
    form_type: parameter.formType as parameters.ParameterFormType,
    mutable: parameter.mutable,
    default_value: parameter.defaultValue,
    icon: parameter.icon,
    options: parameter.options,
    ...(parameter.validationError === undefined ? {} : { validation_error: parameter.validationError }),
    ...(parameter.validationRegex === undefined ? {} : { validation_regex: parameter.validationRegex }),
    ...(parameter.validationMin === undefined ? {} : { validation_min: parameter.validationMin }),
    ...(parameter.validationMax === undefined ? {} : { validation_max: parameter.validationMax }),
    ...(parameter.validationMonotonic === undefined
      ? {}
      : { validation_monotonic: parameter.validationMonotonic }),
    required: parameter.required,
    ephemeral: parameter.ephemeral,
  };
}

/** A variable as its version's readers see it. What is sensitive is known to builds only. */
export function toApiVariable(variable: VersionVariable): parameters.TemplateVersionVariable {
  const shown = (value: string) => (variable.sensitive ? "*redacted*" : value);
  return {
    name: variable.name,
    description: variable.description,
    type: variable.type,
    value: shown(variable.value),
    default_value: shown(variable.defaultValue),
    required: variable.required,
    sensitive: variable.sensitive,
  };
}

export function toApiPreset(preset: VersionPreset): parameters.Preset {
  return {
    ID: preset.id,
    Name: preset.name,
    Parameters: preset.parameters.map(({ name, value }) => ({ Name: name, Value: value })),
    Default: preset.is_default,
    DesiredPrebuildInstances: preset.desired_instances,
    Description: preset.description,
    Icon: preset.icon,
  };
}
