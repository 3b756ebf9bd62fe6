import { create } from "@bufbuild/protobuf";
import { type RichParameter, RichParameterSchema } from "@slipway/proto/provisioner";
import type { DiagnosticInit } from "../engine.ts";
import { blocks, flag, int, text } from "./results/attributes.ts";
import { createReport } from "./results/diagnostics.ts";
import type { Instance } from "./results/instance.ts";
import { planInstances } from "./results/plan-instances.ts";

/** What the template asks its users for, those of its modules included: by order, then name (§7.5). */
export function parametersFromPlan(plan: unknown): {
  parameters: RichParameter[];
  diagnostics: DiagnosticInit[];
} {
  const report = createReport();
  const addresses = new Map<string, string>();
  const parameters: RichParameter[] = [];
  const found = planInstances(plan).toSorted((a, b) => (a.address < b.address ? -1 : 1));
  for (const instance of found) {
    if (instance.mode !== "data" || instance.type !== "coder_parameter") continue;
    const parameter = convertParameter(instance);
    const other = addresses.get(parameter.name);
    if (parameter.name === "") {
      report.error(
        "Parameter without a name",
        `The name of ${instance.address} depends on what is known only after a build. Write it out.`,
      );
    } else if (other !== undefined) {
      report.error(
        "Duplicate parameter",
        `${instance.address} and ${other} both ask for "${parameter.name}". Names of parameters must be unique.`,
      );
    } else {
      addresses.set(parameter.name, instance.address);
      parameters.push(parameter);
    }
  }
  parameters.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  return { parameters, diagnostics: report.diagnostics };
}

function convertParameter({ values }: Instance): RichParameter {
  const validation = blocks(values, "validation")[0];
  return create(RichParameterSchema, {
    name: text(values, "name"),
    displayName: text(values, "display_name"),
    description: text(values, "description"),
    type: text(values, "type") || "string",
    formType: text(values, "form_type"),
    mutable: flag(values, "mutable"),
    defaultValue: text(values, "default"),
    icon: text(values, "icon"),
    options: blocks(values, "option").map((option) => ({
      name: text(option, "name"),
      description: text(option, "description"),
      value: text(option, "value"),
      icon: text(option, "icon"),
    })),
    ...(validation === undefined
      ? {}
      : {
          validationRegex: text(validation, "regex"),
          validationError: text(validation, "error"),
          validationMonotonic: text(validation, "monotonic"),
          ...(isSet(validation, "min") ? { validationMin: int(validation, "min") } : {}),
          ...(isSet(validation, "max") ? { validationMax: int(validation, "max") } : {}),
        }),
    required: !flag(values, "optional"),
    order: int(values, "order"),
    ephemeral: flag(values, "ephemeral"),
  });
}

/** The provider writes 0 for a bound that is not there, and says so beside it. */
function isSet(validation: Readonly<Record<string, unknown>>, bound: "min" | "max"): boolean {
  return typeof validation[bound] === "number" && !flag(validation, `${bound}_disabled`);
}
