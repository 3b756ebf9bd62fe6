import type { Diagnostic } from "./diagnostic.ts";
import { evaluateWorkspaceTags } from "./module/evaluate-workspace-tags.ts";
import type { EvaluationInputs } from "./module/evaluation-inputs.ts";
import { parseTemplateFiles } from "./module/parse-template.ts";
import { templateFilesOf } from "./module/template-source.ts";

/** Values that take the place of defaults: variables by name, parameters by the name people see. */
export type TagInputs = Pick<EvaluationInputs, "variables" | "owner" | "workspace"> & {
  parameters?: Readonly<Record<string, string>>;
};

/** Parses files and evaluates their `coder_workspace_tags` at once, for those who do it only once. */
export async function parseWorkspaceTags(
  files: ReadonlyMap<string, string>,
  { parameters = {}, ...inputs }: TagInputs = {},
): Promise<{ tags: Map<string, string>; diagnostics: Diagnostic[] }> {
  const source = templateFilesOf(files);
  return evaluateWorkspaceTags(await parseTemplateFiles(source), source, { ...inputs, inputs: parameters });
}
