import {
  formatDiagnostic,
  type OpenedTemplate,
  type Tags,
  type WorkspaceFacts,
  type WorkspaceOwner,
} from "@slipway/template";
import { ApiError } from "../http/api-error.ts";
import type { NamedValue } from "./match-preset.ts";

export type TagInputs = {
  variables: readonly NamedValue[];
  parameters: readonly NamedValue[];
  owner: WorkspaceOwner;
  workspace?: WorkspaceFacts;
};

/** Evaluates `coder_workspace_tags` of a template with the values of one import or build. */
export async function evaluateWorkspaceTags(opened: OpenedTemplate, inputs: TagInputs): Promise<Tags> {
  const { tags, diagnostics } = await opened.evaluateWorkspaceTags({
    variables: toRecord(inputs.variables),
    inputs: toRecord(inputs.parameters),
    owner: inputs.owner,
    ...(inputs.workspace === undefined ? {} : { workspace: inputs.workspace }),
  });
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  if (errors.length > 0) {
    throw new ApiError("bad_request", "The template has errors. Mend what is named and push it again.", {
      detail: errors.map(formatDiagnostic).join("\n"),
    });
  }
  return Object.fromEntries(tags);
}

export function toRecord(values: readonly NamedValue[]): Record<string, string> {
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}
