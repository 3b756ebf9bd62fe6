import type { Diagnostic } from "./diagnostic.ts";
import { EvaluationError } from "./evaluate/errors.ts";
import { evaluateConstant, type Plain } from "./evaluate-constant.ts";
import { isRecord } from "./hcl-json.ts";
import { isOverride, type RootBlock, readRootBlocks } from "./template-files.ts";

/** A template's `variable` block. A default that is no string is kept as JSON, no default as "". */
export type TemplateVariable = {
  name: string;
  description: string;
  type: string;
  defaultValue: string;
  required: boolean;
  sensitive: boolean;
};

/** The variables of a template's root module, ordered by file and line (provisioning.md §7.4). */
export async function parseVariables(
  files: ReadonlyMap<string, string>,
): Promise<{ variables: TemplateVariable[]; diagnostics: Diagnostic[] }> {
  const { blocks, diagnostics } = await readRootBlocks(files, (type) => type === "variable");
  const variables = new Map<string, TemplateVariable>();
  for (const block of blocks) {
    const name = block.labels[0] ?? "";
    const report = (summary: string, detail: string) => {
      diagnostics.push({
        severity: "error",
        summary,
        detail,
        file: block.file,
        line: block.line,
        column: block.column,
      });
    };
    const earlier = variables.get(name);
    if (earlier !== undefined && !isOverride(block.file)) {
      report(
        "Duplicate variable",
        `The variable "${name}" is declared twice. Remove one of the declarations.`,
      );
      continue;
    }
    const variable = earlier ?? {
      name,
      description: "",
      type: "",
      defaultValue: "",
      required: true,
      sensitive: false,
    };
    try {
      readArguments(block, variable);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      report("Invalid variable", `The variable "${name}" can't be read: ${error.message}`);
    }
    variables.set(name, variable);
  }
  return { variables: [...variables.values()], diagnostics };
}

function readArguments(block: RootBlock, variable: TemplateVariable): void {
  const description = constant(block, "description");
  if (typeof description === "string") variable.description = description;
  const sensitive = constant(block, "sensitive");
  if (sensitive !== undefined) variable.sensitive = sensitive === true || sensitive === "true";
  const type = block.hcl === null ? block.json.type : block.hcl.attributes.get("type")?.source;
  // Terraform 0.11 quoted the type; both forms mean the same.
  if (typeof type === "string") variable.type = type.replace(/^"(.*)"$/s, "$1");
  const value = constant(block, "default");
  if (value !== undefined) {
    variable.required = false;
    variable.defaultValue = typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
  }
}

/** An argument of a variable: undefined when absent. JSON strings are taken as they are, by Terraform's rule. */
function constant(block: RootBlock, name: string): Plain | undefined {
  if (block.hcl === null) return Object.hasOwn(block.json, name) ? toJson(block.json[name]) : undefined;
  const source = block.hcl.attributes.get(name)?.source;
  return source === undefined ? undefined : evaluateConstant(source, refusal);
}

function refusal(reference: string): string {
  return `Variables may not refer to anything, but this one refers to ${reference}.`;
}

function toJson(json: unknown): Plain {
  if (Array.isArray(json)) return json.map(toJson);
  if (isRecord(json))
    return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, toJson(item)]));
  return typeof json === "string" || typeof json === "number" || typeof json === "boolean" ? json : null;
}
