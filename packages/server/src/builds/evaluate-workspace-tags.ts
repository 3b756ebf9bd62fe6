import {
  formatDiagnostic,
  parseWorkspaceTags,
  readRootFiles,
  type Tags,
  TemplateError,
} from "@slipway/template";
import { ApiError } from "../http/api-error.ts";
import type { NamedValue } from "./match-preset.ts";

/** Evaluates `coder_workspace_tags` of an archive with the values of one import or build. */
export async function evaluateWorkspaceTags(
  archive: Uint8Array,
  inputs: { variables: readonly NamedValue[]; parameters: readonly NamedValue[] },
): Promise<Tags> {
  const { tags, diagnostics } = await readTags(archive, inputs);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  if (errors.length > 0) {
    throw new ApiError("bad_request", "The template has errors. Mend what is named and push it again.", {
      detail: errors.map(formatDiagnostic).join("\n"),
    });
  }
  return Object.fromEntries(tags);
}

async function readTags(
  archive: Uint8Array,
  { variables, parameters }: { variables: readonly NamedValue[]; parameters: readonly NamedValue[] },
) {
  try {
    return await parseWorkspaceTags(await readRootFiles(archive), {
      variables: toRecord(variables),
      parameters: toRecord(parameters),
    });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError("bad_request", error.message, { cause: error });
  }
}

function toRecord(values: readonly NamedValue[]): Record<string, string> {
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}
