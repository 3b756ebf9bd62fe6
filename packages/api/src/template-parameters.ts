import { z } from "zod";
import { Uuid } from "./common.ts";
import { named } from "./components.ts";

export const ParameterType = z.enum(["string", "number", "bool", "list(string)"]);
export type ParameterType = z.infer<typeof ParameterType>;

export const ParameterFormType = z.enum([
  "",
  "radio",
  "dropdown",
  "input",
  "textarea",
  "slider",
  "checkbox",
  "switch",
  "tag-select",
  "multi-select",
  "error",
]);
export type ParameterFormType = z.infer<typeof ParameterFormType>;

export const Monotonic = z.enum(["increasing", "decreasing"]);
export type Monotonic = z.infer<typeof Monotonic>;

export const TemplateVersionParameterOption = named(
  "TemplateVersionParameterOption",
  z.object({ name: z.string(), description: z.string(), value: z.string(), icon: z.string() }),
);
export type TemplateVersionParameterOption = z.infer<typeof TemplateVersionParameterOption>;

export const TemplateVersionParameter = named(
  "TemplateVersionParameter",
  z.object({
    name: z.string(),
    display_name: z.string().optional(),
    description: z.string(),
    description_plaintext: z.string(),
    type: ParameterType,
    form_type: ParameterFormType,
    mutable: z.boolean(),
    default_value: z.string(),
    icon: z.string(),
    options: z.array(TemplateVersionParameterOption),
    validation_error: z.string().optional(),
    validation_regex: z.string().optional(),
    validation_min: z.number().int().optional(),
    validation_max: z.number().int().optional(),
    validation_monotonic: Monotonic.optional(),
    required: z.boolean(),
    ephemeral: z.boolean(),
  }),
);
export type TemplateVersionParameter = z.infer<typeof TemplateVersionParameter>;

export const TemplateVersionVariable = named(
  "TemplateVersionVariable",
  z.object({
    name: z.string(),
    description: z.string(),
    type: z.string(),
    value: z.string(),
    default_value: z.string(),
    required: z.boolean(),
    sensitive: z.boolean(),
  }),
);
export type TemplateVersionVariable = z.infer<typeof TemplateVersionVariable>;

// PascalCase is Coder's.
export const Preset = named(
  "Preset",
  z.object({
    ID: Uuid,
    Name: z.string(),
    Parameters: z.array(z.object({ Name: z.string(), Value: z.string() })),
    Default: z.boolean(),
    DesiredPrebuildInstances: z.number().int().nullable(),
    Description: z.string(),
    Icon: z.string(),
  }),
);
export type Preset = z.infer<typeof Preset>;

export const Diagnostic = named(
  "Diagnostic",
  z.object({
    severity: z.enum(["error", "warning"]),
    summary: z.string(),
    detail: z.string(),
    extra: z.object({ code: z.string() }),
  }),
);
export type Diagnostic = z.infer<typeof Diagnostic>;

// `valid` is false while the value is not known, for one that depends on something unknown.
export const PreviewValue = named("PreviewValue", z.object({ value: z.string(), valid: z.boolean() }));
export type PreviewValue = z.infer<typeof PreviewValue>;

export const PreviewParameter = named(
  "PreviewParameter",
  z.object({
    name: z.string(),
    display_name: z.string(),
    description: z.string(),
    type: ParameterType,
    form_type: ParameterFormType,
    styling: z.object({
      placeholder: z.string().optional(),
      disabled: z.boolean().optional(),
      label: z.string().optional(),
      mask_input: z.boolean().optional(),
    }),
    mutable: z.boolean(),
    default_value: PreviewValue,
    icon: z.string(),
    options: z.array(
      z.object({ name: z.string(), description: z.string(), value: PreviewValue, icon: z.string() }),
    ),
    validations: z.array(
      z.object({
        validation_error: z.string(),
        validation_regex: z.string().nullable(),
        validation_min: z.number().int().nullable(),
        validation_max: z.number().int().nullable(),
        validation_monotonic: Monotonic.nullable(),
      }),
    ),
    required: z.boolean(),
    order: z.number().int(),
    ephemeral: z.boolean(),
    value: PreviewValue,
    diagnostics: z.array(Diagnostic),
  }),
);
export type PreviewParameter = z.infer<typeof PreviewParameter>;
