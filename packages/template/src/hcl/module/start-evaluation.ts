import { posix } from "node:path";
import type { Diagnostic } from "../diagnostic.ts";
import { createBudget } from "../evaluate/budget.ts";
import { EvaluationError, LimitError } from "../evaluate/errors.ts";
import { parseJson } from "../functions/json.ts";
import { isAutoTfvars } from "../parse-values-file.ts";
import { HclScanError, scanHcl } from "../scan-hcl.ts";
import { SyntaxProblem } from "../syntax/cursor.ts";
import { parseExpression } from "../syntax/parse-expression.ts";
import type { Value } from "../values/value.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import {
  createModuleInstance,
  type Evaluation,
  type ModuleInstance,
  PlacedError,
} from "./module-instance.ts";
import type { ParsedTemplate, Place } from "./parsed-template.ts";
import { fileSource, type TemplateFiles } from "./template-source.ts";

/** The root module of a template with all that is known. Throws an EvaluationError for values files that can't be read. */
export function startEvaluation(
  template: ParsedTemplate,
  files: TemplateFiles,
  inputs: EvaluationInputs,
): ModuleInstance {
  const evaluation: Evaluation = {
    template,
    inputs,
    files: fileSource(files),
    budget: createBudget(inputs.limits),
    tfvars: new Map(),
  };
  const root = (shared: Evaluation) =>
    createModuleInstance(shared, { directory: "", path: "", given: () => null, call: null });
  return root({ ...evaluation, tfvars: readTfvars(files, root(evaluation)) });
}

/** Every instance of every module, the root first. */
export function allInstances(root: ModuleInstance): ModuleInstance[] {
  const all = [root];
  for (const instance of all) {
    root.evaluation.budget.spend({ steps: 10 });
    all.push(...instance.children());
  }
  return all;
}

/** `terraform.tfvars` and then `*.auto.tfvars` by name; the later ones win. */
function readTfvars(files: TemplateFiles, root: ModuleInstance): Map<string, Value> {
  const isAuto = (path: string) => /\.auto\.tfvars/.test(path);
  const paths = [...files.contents.keys()].filter((path) => isAutoTfvars(path));
  paths.sort((a, b) => Number(isAuto(a)) - Number(isAuto(b)) || (a < b ? -1 : 1));
  const values = new Map<string, Value>();
  for (const file of paths) {
    const text = Buffer.from(files.contents.get(file) ?? "").toString("utf8");
    try {
      if (file.endsWith(".json")) {
        const { data } = parseJson(text);
        if (data instanceof Map) for (const [name, value] of data) values.set(name, value);
        continue;
      }
      for (const { name, source, value } of scanHcl(text).attributes.values()) {
        values.set(name, root.evaluate({ tree: parseExpression(source), text: source, file, ...value }, {}));
      }
    } catch (error) {
      if (error instanceof HclScanError || error instanceof SyntaxProblem) {
        throw new EvaluationError(`${posix.basename(file)} can't be read: ${error.message}`, {
          cause: error,
        });
      }
      throw error;
    }
  }
  return values;
}

/** An error of an evaluation as a diagnostic; anything else is thrown on. */
export function diagnosticOf(error: unknown, summary: string, fallback: Place | null): Diagnostic {
  if (!(error instanceof EvaluationError) && !(error instanceof LimitError)) throw error;
  const place = error instanceof PlacedError ? error.place : fallback;
  return { severity: "error", summary, detail: error.message, ...place };
}
