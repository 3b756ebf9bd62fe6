import type { Diagnostic } from "./diagnostic.ts";
import {
  EvaluationError,
  evaluateExpression,
  evaluateObjectPairs,
  follow,
  type Scope,
  type Step,
  type Value,
} from "./evaluate.ts";
import { parseVariables } from "./parse-variables.ts";
import { type RootBlock, readRootBlocks } from "./template-files.ts";

/** Values that take the place of defaults: variables by name, parameters by the name people see. */
export type TagInputs = {
  variables?: Readonly<Record<string, string>>;
  parameters?: Readonly<Record<string, string>>;
};

/**
 * Evaluates `coder_workspace_tags` by the classic rules of provisioning.md §7.4: only literals, `var.*` and
 * `data.coder_parameter.*.value` with their defaults (or `inputs`); anything else is a diagnostic.
 */
export async function parseWorkspaceTags(
  files: ReadonlyMap<string, string>,
  inputs: TagInputs = {},
): Promise<{ tags: Map<string, string>; diagnostics: Diagnostic[] }> {
  const tags = new Map<string, string>();
  const { blocks, diagnostics } = await readRootBlocks(files, (type, [kind]) => {
    return type === "data" && (kind === "coder_workspace_tags" || kind === "coder_parameter");
  });
  const tagBlocks = blocks.filter((block) => block.labels[0] === "coder_workspace_tags");
  if (tagBlocks.length === 0) return { tags, diagnostics };
  const scope = await tagScope(files, blocks, inputs);
  for (const block of tagBlocks) {
    const place = block.hcl?.attributes.get("tags") ?? block;
    const report = (detail: string) => {
      const { line, column } = place;
      diagnostics.push({
        severity: "error",
        summary: "Invalid workspace tags",
        detail,
        file: block.file,
        line,
        column,
      });
    };
    try {
      for (const [key, value] of await tagPairs(block, scope)) {
        if (tags.has(key)) report(`The tag "${key}" is set twice. Set each tag once.`);
        else tags.set(key, value);
      }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      report(error.message);
    }
  }
  return { tags, diagnostics };
}

async function tagPairs(block: RootBlock, scope: Scope): Promise<[string, string][]> {
  const source = block.hcl === null ? jsonSource(block.json.tags) : block.hcl.attributes.get("tags")?.source;
  if (source === undefined) return [];
  const pairs = await evaluateObjectPairs(source, scope);
  if (pairs === null) {
    throw new EvaluationError('`tags` must be written out as a map, such as { zone = "eu" }.');
  }
  const result: [string, string][] = [];
  for (const pair of pairs) {
    const key = tagText(pair.key, "The name of a tag");
    result.push([key, tagText(await pair.value(), `The tag "${key}"`)]);
  }
  return result;
}

function tagText(value: Value, what: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    const text = String(value);
    if (text.includes("\0")) throw new EvaluationError(`${what} holds a NUL character. Remove it.`);
    return text;
  }
  throw new EvaluationError(`${what} must be a string, a number or a bool.`);
}

/** Terraform's JSON form of an object, as an expression; its strings are templates, which heredocs leave alone. */
function jsonSource(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const pairs = Object.entries(value).map(([key, item]) => {
    return `${jsonString(key, "(", ")")} = ${typeof item === "string" ? jsonString(item) : JSON.stringify(item)}`;
  });
  return `{\n${pairs.join("\n")}\n}`;
}

function jsonString(text: string, open = "", close = ""): string {
  // Without an interpolation a JSON string is an HCL string as well.
  if (!/[$%]\{/.test(text)) return JSON.stringify(text);
  const whole = /^\$\{(.*)\}$/s.exec(text)?.[1];
  if (whole !== undefined && !/[$%]\{/.test(whole)) return `${open || "("}${whole}${close || ")"}`;
  let marker = "EOT";
  while (text.includes(marker)) marker += "X";
  return `${open}trimsuffix(<<${marker}\n${text}\n${marker}\n, "\\n")${close}`;
}

/** What tags may refer to. Parameters are evaluated when asked for: most of them are not. */
async function tagScope(
  files: ReadonlyMap<string, string>,
  blocks: RootBlock[],
  inputs: TagInputs,
): Promise<Scope> {
  const { variables } = await parseVariables(files);
  const variableScope: Scope = {
    lookup([kind, name, ...rest]: Step[]) {
      if (kind !== "var") throw outOfReach([kind ?? "", name ?? ""]);
      const variable = variables.find((candidate) => candidate.name === name);
      if (variable === undefined) throw new EvaluationError(`There is no variable "${name}".`);
      const given = Object.hasOwn(inputs.variables ?? {}, variable.name)
        ? inputs.variables?.[variable.name]
        : undefined;
      if (given === undefined && variable.required) {
        throw new EvaluationError(`The variable "${name}" has no default and was given no value.`);
      }
      return follow(variableValue(variable.type, given ?? variable.defaultValue), rest);
    },
  };
  return {
    async lookup(steps: Step[]) {
      const [first, second, name, attribute, ...rest] = steps;
      if (first !== "data") return variableScope.lookup(steps);
      if (second !== "coder_parameter") throw outOfReach(steps);
      const block = blocks.find(({ labels }) => labels[0] === "coder_parameter" && labels[1] === name);
      if (block === undefined) throw new EvaluationError(`There is no coder_parameter "${name}".`);
      if (attribute !== "value" || rest.length > 0) {
        throw new EvaluationError(
          `Of a parameter only its value may be used: data.coder_parameter.${name}.value.`,
        );
      }
      const label = await blockArgument(block, "name", variableScope);
      const given = typeof label === "string" ? inputs.parameters?.[label] : undefined;
      const value = given ?? (await blockArgument(block, "default", variableScope));
      if (value === undefined || value === null) {
        throw new EvaluationError(
          `The parameter "${typeof label === "string" ? label : name}" has no default, so the tag has no value at import. Give it one.`,
        );
      }
      return value;
    },
  };
}

function outOfReach(steps: Step[]): EvaluationError {
  return new EvaluationError(
    `${steps.join(".")} is not known before a build. Tags may use literals, var.* and data.coder_parameter.*.value.`,
  );
}

async function blockArgument(block: RootBlock, name: string, scope: Scope): Promise<Value | undefined> {
  if (block.hcl !== null) {
    const source = block.hcl.attributes.get(name)?.source;
    return source === undefined ? undefined : evaluateExpression(source, scope);
  }
  const json = block.json[name];
  if (typeof json === "string") return evaluateExpression(jsonString(json), scope);
  return typeof json === "number" || typeof json === "boolean" ? json : undefined;
}

/** Values of variables travel as text; the type says how to read them, as for `-var`. */
function variableValue(type: string, text: string): Value {
  if (type === "string" || type === "") return text;
  try {
    const value: Value = JSON.parse(text);
    return value;
  } catch {
    // A bare word is text, whatever the type: Terraform itself will judge it in the plan.
    return text;
  }
}
