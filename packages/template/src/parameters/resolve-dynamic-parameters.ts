import type { ResolvedParameters, ResolveInput } from "./resolve-parameters.ts";
import type { RichParameter } from "./rich-parameter.ts";
import { validateParameterValue } from "./validate-parameter-value.ts";

/** A parameter as a set of values makes it. `value` is null when it has none, or none that is known before the plan. */
export type RenderedParameter = RichParameter & {
  value: string | null;
  diagnostics: readonly { severity: "error" | "warning"; detail: string }[];
};

/** What a template asks for when these values are chosen. */
export type RenderParameters = (values: Readonly<Record<string, string>>) => Promise<{
  parameters: readonly RenderedParameter[];
  /** What is wrong with the template as a whole. */
  errors: readonly string[];
}>;

/**
 * The values of one build where parameters depend on each other (provisioning.md §9): the last build's, those of the
 * request over them, those of the preset over both. They are rendered twice: the last build's values tell which are
 * ephemeral, and are then forgotten; all of them tell which parameters there are and what is wrong.
 *
 * A value that the request gives to a parameter which the version has, but not with these values, is dropped; a name
 * that nothing knows is refused.
 */
export async function resolveDynamicParameters(
  render: RenderParameters,
  input: ResolveInput,
): Promise<ResolvedParameters & { templateErrors: readonly string[] }> {
  const { request, preset, transition } = input;
  const previous = input.isFirstBuild ? new Map<string, string>() : new Map(input.previous);
  const last = previous.size > 0 ? await render(Object.fromEntries(previous)) : null;
  for (const { name, ephemeral } of last?.parameters ?? []) if (ephemeral) previous.delete(name);
  const { parameters, errors } = await render(Object.fromEntries([...previous, ...request, ...preset]));
  if (errors.length > 0) {
    // A template that can't be evaluated must not keep anybody from stopping or deleting a workspace.
    const isStart = transition === "start";
    return { values: isStart ? [] : pairs(previous), errors: [], templateErrors: isStart ? errors : [] };
  }
  const result: Awaited<ReturnType<typeof resolveDynamicParameters>> = {
    values: [],
    errors: [],
    templateErrors: [],
  };
  const known = new Set([...parameters, ...input.parameters].map(({ name }) => name));
  for (const name of request.keys()) {
    if (known.has(name)) continue;
    const names = parameters.map((parameter) => JSON.stringify(parameter.name)).slice(0, 10);
    const detail = `The template has no parameter ${JSON.stringify(name)} with these values.`;
    const list = names.length === 0 ? " It has none." : ` It has ${names.join(", ")}.`;
    result.errors.push({ field: name, detail: detail + list });
  }
  for (const parameter of parameters) {
    const { name, value, ephemeral } = parameter;
    // One that was ephemeral was forgotten above; one that is now has never been kept.
    const last = ephemeral ? undefined : previous.get(name);
    const given = preset.get(name) ?? request.get(name);
    const problem = check(parameter, given, last, transition);
    if (problem !== null) result.errors.push({ field: name, detail: problem });
    // A default that only the plan knows is left to it.
    else if (value !== null) result.values.push({ name, value });
  }
  return result;
}

function check(
  parameter: RenderedParameter,
  given: string | undefined,
  last: string | undefined,
  transition: ResolveInput["transition"],
): string | null {
  const { name, mutable, value, diagnostics } = parameter;
  if (last !== undefined && given !== undefined && given !== last && !mutable) {
    return `The parameter ${JSON.stringify(name)} is not mutable: it keeps its value, ${JSON.stringify(last)}.`;
  }
  // What is already there must not keep anybody from stopping or deleting a workspace.
  if (given === undefined && transition !== "start") return null;
  if (value === null && parameter.required) {
    return `The parameter ${JSON.stringify(name)} is required. Give it a value.`;
  }
  const error = diagnostics.find(({ severity }) => severity === "error");
  if (error !== undefined) return error.detail;
  // What may not decrease or increase is judged by the last value, which rendering knows nothing of.
  return value === null || last === undefined ? null : validateParameterValue(parameter, value, last);
}

function pairs(values: ReadonlyMap<string, string>): ResolvedParameters["values"] {
  return [...values].map(([name, value]) => ({ name, value }));
}
