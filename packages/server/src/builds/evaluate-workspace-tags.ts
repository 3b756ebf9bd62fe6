import {
  type EvaluationInputs,
  evaluateWorkspaceTags as evaluateTags,
  formatDiagnostic,
  parseTemplateFiles,
  readTemplateFiles,
  type Tags,
  TemplateError,
  type WorkspaceFacts,
  type WorkspaceOwner,
} from "@slipway/template";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import { ownerMetadata } from "../jobs/owner-metadata.ts";
import type { NamedValue } from "./match-preset.ts";

export type TagInputs = {
  variables: readonly NamedValue[];
  parameters: readonly NamedValue[];
  owner: WorkspaceOwner;
  workspace?: WorkspaceFacts;
};

/** Evaluates `coder_workspace_tags` of an archive with the values of one import or build. */
export async function evaluateWorkspaceTags(archive: Uint8Array, inputs: TagInputs): Promise<Tags> {
  const { tags, diagnostics } = await readTags(archive, {
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

/** What a template may know of its owner before a build: nothing secret (provisioning.md 9). */
export async function templateOwner(
  deps: Deps,
  userId: string,
  organizationId: string,
): Promise<WorkspaceOwner> {
  const known = await ownerMetadata(deps, userId, organizationId);
  return {
    id: known.workspaceOwnerId ?? "",
    name: known.workspaceOwner ?? "",
    full_name: known.ownerName ?? "",
    email: known.workspaceOwnerEmail ?? "",
    ssh_public_key: known.ownerSshPublicKey ?? "",
    groups: known.ownerGroups ?? [],
    login_type: known.ownerLoginType ?? "",
    rbac_roles: (known.ownerRbacRoles ?? []).map(({ name = "", orgId = "" }) => ({ name, org_id: orgId })),
  };
}

async function readTags(archive: Uint8Array, inputs: EvaluationInputs) {
  try {
    const files = await readTemplateFiles(archive);
    return evaluateTags(await parseTemplateFiles(files), files, inputs);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError("bad_request", error.message, { cause: error });
  }
}

function toRecord(values: readonly NamedValue[]): Record<string, string> {
  return Object.fromEntries(values.map(({ name, value }) => [name, value]));
}
