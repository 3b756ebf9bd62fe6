import type { Diagnostic } from "../diagnostic.ts";
import type { evaluateParameters } from "./evaluate-parameters.ts";
import type { evaluateWorkspaceTags } from "./evaluate-workspace-tags.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import type { EvaluationPool } from "./evaluation-pool.ts";
import { EvaluationStoppedError } from "./evaluation-thread.ts";
import type { ParsedTemplate } from "./parsed-template.ts";
import type { TemplateFiles } from "./template-source.ts";

/** A template that was read and parsed, and is evaluated in threads of its own. */
export type OpenedTemplate = {
  template: ParsedTemplate;
  files: TemplateFiles;
  evaluateParameters(inputs: EvaluationInputs): Promise<ReturnType<typeof evaluateParameters>>;
  evaluateWorkspaceTags(inputs: EvaluationInputs): Promise<ReturnType<typeof evaluateWorkspaceTags>>;
  validateVariables(inputs: EvaluationInputs): Promise<Diagnostic[]>;
};

let opened = 0;

export function openedTemplate(
  pool: EvaluationPool,
  template: ParsedTemplate,
  files: TemplateFiles,
): OpenedTemplate {
  opened += 1;
  const source = { id: opened, template, files };
  const { diagnostics } = template;
  return {
    template,
    files,
    evaluateParameters: (inputs) =>
      pool.run("evaluateParameters", source, inputs).catch((error: unknown) => {
        return { parameters: [], diagnostics: [...diagnostics, stopped(error)], undecided: [] };
      }),
    evaluateWorkspaceTags: (inputs) =>
      pool.run("evaluateWorkspaceTags", source, inputs).catch((error: unknown) => {
        return { tags: new Map(), diagnostics: [...diagnostics, stopped(error)] };
      }),
    validateVariables: (inputs) =>
      pool.run("validateVariables", source, inputs).catch((error: unknown) => [stopped(error)]),
  };
}

function stopped(error: unknown): Diagnostic {
  if (!(error instanceof EvaluationStoppedError)) throw error;
  return { severity: "error", summary: "The template can't be evaluated", detail: error.message };
}
