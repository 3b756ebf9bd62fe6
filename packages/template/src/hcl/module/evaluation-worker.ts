import { parentPort } from "node:worker_threads";
import { evaluateParameters } from "./evaluate-parameters.ts";
import { evaluateWorkspaceTags } from "./evaluate-workspace-tags.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import type { ParsedTemplate } from "./parsed-template.ts";
import type { TemplateFiles } from "./template-source.ts";
import { validateVariables } from "./validate-variables.ts";

/** What can be asked of a template; each answer is plain data. */
export const EVALUATIONS = { evaluateParameters, evaluateWorkspaceTags, validateVariables };

export type Evaluations = typeof EVALUATIONS;
export type EvaluationName = keyof Evaluations;

export type EvaluationRequest = {
  name: EvaluationName;
  /** Names the template to this thread, which has been sent it before or gets it now. */
  id: number;
  source: { template: ParsedTemplate; files: TemplateFiles } | null;
  /** A template that will not be asked for again before it is sent again. */
  forget: number | null;
  inputs: EvaluationInputs;
};

export type EvaluationReply = { value: unknown } | { error: unknown };

const sources = new Map<number, NonNullable<EvaluationRequest["source"]>>();

parentPort?.on("message", (request: EvaluationRequest) => {
  const { name, id, source, forget, inputs } = request;
  if (forget !== null) sources.delete(forget);
  if (source !== null) sources.set(id, source);
  parentPort?.postMessage(answer());

  function answer(): EvaluationReply {
    const found = sources.get(id);
    if (found === undefined) return { error: new Error(`This thread was not sent the template ${id}.`) };
    try {
      return { value: EVALUATIONS[name](found.template, found.files, inputs) };
    } catch (error) {
      return { error };
    }
  }
});
// Loading all this took its time; from now on the time of evaluations counts.
parentPort?.postMessage("ready");
