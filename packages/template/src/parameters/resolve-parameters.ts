import type { RichParameter } from "./rich-parameter.ts";
import { validateParameterValue } from "./validate-parameter-value.ts";

export type ResolveInput = {
  /** The parameters of the version that is built. */
  parameters: RichParameter[];
  /** Values of the last build; empty for a first one. */
  previous: ReadonlyMap<string, string>;
  /** Values that the request names. */
  request: ReadonlyMap<string, string>;
  /** Values of the chosen preset. */
  preset: ReadonlyMap<string, string>;
  transition: "start" | "stop" | "delete";
  isFirstBuild: boolean;
};

export type ResolvedParameters = {
  values: { name: string; value: string }[];
  errors: { field: string; detail: string }[];
};

/**
 * The values of one build by the classic rules of provisioning.md §9: preset, else request, else previous
 * (not of ephemeral ones), else default. Names that the version no longer has are dropped; a request may not
 * name them.
 */
export function resolveParameters(input: ResolveInput): ResolvedParameters {
  const { parameters, previous, request, preset } = input;
  const result: ResolvedParameters = { values: [], errors: [] };
  const known = new Set(parameters.map((parameter) => parameter.name));
  for (const name of request.keys()) {
    if (known.has(name)) continue;
    const detail = `The template has no parameter ${JSON.stringify(name)}.${listNames(known)}`;
    result.errors.push({ field: name, detail });
  }
  for (const parameter of parameters) {
    const { name } = parameter;
    const last = parameter.ephemeral || input.isFirstBuild ? undefined : previous.get(name);
    const given = preset.get(name) ?? request.get(name);
    const problem = check(parameter, given, last, input);
    if (problem !== null) result.errors.push({ field: name, detail: problem });
    else result.values.push({ name, value: given ?? last ?? parameter.defaultValue });
  }
  return result;
}

function check(
  parameter: RichParameter,
  given: string | undefined,
  last: string | undefined,
  { transition }: ResolveInput,
): string | null {
  if (given !== undefined && last !== undefined && given !== last && !parameter.mutable) {
    return `The parameter ${JSON.stringify(parameter.name)} is not mutable: it keeps its value, ${JSON.stringify(last)}.`;
  }
  // What is already there must not keep anybody from stopping or deleting a workspace.
  if (given === undefined && transition !== "start") return null;
  if (given === undefined && last === undefined && parameter.required) {
    return `The parameter ${JSON.stringify(parameter.name)} is required. Give it a value.`;
  }
  const value = given ?? last;
  // A default was judged at import; Terraform judges it again in the plan.
  return value === undefined ? null : validateParameterValue(parameter, value, last);
}

function listNames(known: ReadonlySet<string>): string {
  if (known.size === 0) return " It has none.";
  const names = [...known];
  const shown = names.slice(0, 10).map((name) => JSON.stringify(name));
  return ` It has ${shown.join(", ")}${names.length > shown.length ? ", …" : ""}.`;
}
