import { type Client, type parameters, templateVersions } from "@slipway/api/client";
import { CliError } from "./cli-error.ts";

export type FormParameter = parameters.TemplateVersionParameter;

/** The parameters to ask for, in order. */
export type ParameterForm = {
  /** Whether they depend on what is chosen. */
  isDynamic: boolean;
  parametersFor(values: ReadonlyMap<string, string>): Promise<readonly FormParameter[]>;
};

type FormOf = { versionId: string; ownerId?: string | undefined };

/** The parameters that the import found: the same whatever is chosen. */
export async function importedForm(client: Client, { versionId }: FormOf): Promise<ParameterForm> {
  const found = await client.call(templateVersions.getRichParameters, {
    params: { templateversion: versionId },
  });
  return { isDynamic: false, parametersFor: async () => found };
}

/** Parameters as the server evaluates them for an owner, anew for each set of values (provisioning.md 9). */
export async function dynamicForm(client: Client, { versionId, ownerId }: FormOf): Promise<ParameterForm> {
  const { plaintext } = await import("@slipway/template");
  let id = 0;
  return {
    isDynamic: true,
    async parametersFor(values) {
      id += 1;
      const answer = await client.call(templateVersions.evaluateDynamicParameters, {
        params: { templateversion: versionId },
        body: { id, inputs: Object.fromEntries(values), owner_id: ownerId },
      });
      const errors = answer.diagnostics.filter(({ severity }) => severity === "error");
      if (errors.length > 0) {
        const told = errors.map(({ summary, detail }) => `${summary}: ${detail}`);
        throw new CliError(`The template's parameters can't be evaluated.\n${told.join("\n")}`);
      }
      return answer.parameters.map((parameter) => toFormParameter(parameter, plaintext));
    },
  };
}

function toFormParameter(
  parameter: parameters.PreviewParameter,
  plaintext: (markdown: string) => string,
): FormParameter {
  const { name, display_name, description, type, form_type, mutable, icon, required, ephemeral } = parameter;
  const [rules] = parameter.validations;
  return {
    name,
    display_name,
    description,
    description_plaintext: plaintext(description),
    type,
    form_type,
    mutable,
    icon,
    required,
    ephemeral,
    default_value: parameter.default_value.value,
    options: parameter.options.map((option) => ({ ...option, value: option.value.value })),
    ...(rules?.validation_error ? { validation_error: rules.validation_error } : {}),
    ...(rules?.validation_regex ? { validation_regex: rules.validation_regex } : {}),
    ...(rules?.validation_min == null ? {} : { validation_min: rules.validation_min }),
    ...(rules?.validation_max == null ? {} : { validation_max: rules.validation_max }),
    ...(rules?.validation_monotonic ? { validation_monotonic: rules.validation_monotonic } : {}),
  };
}
