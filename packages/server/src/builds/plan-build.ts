import type { WorkspaceFacts } from "@slipway/template";
import {
  authorize,
  requireAccess,
  type Subject,
  templateObject,
  workspaceObject,
} from "../access/authorize.ts";
import type { TemplateRow, WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import { buildJobTags } from "../jobs/job-tags.ts";
import { openTemplate } from "../templates/open-template.ts";
import { openParameterForm, type ParameterForm } from "../templates/parameter-form.ts";
import { templateOwner } from "../templates/template-owner.ts";
import { versionParameters } from "../templates/version-parameters.ts";
import { versionPresets } from "../templates/version-presets.ts";
import { readVersionVariables } from "../templates/version-variables.ts";
import type { BuildRequest } from "./build-request.ts";
import { type BuildState, parseState } from "./build-state.ts";
import { type BuildVersion, requireBuildVersion } from "./build-version.ts";
import { evaluateWorkspaceTags } from "./evaluate-workspace-tags.ts";
import type { NamedValue } from "./match-preset.ts";
import { type PreviousBuild, previousBuild } from "./previous-build.ts";
import { resolveBuildParameters } from "./resolve-build-parameters.ts";

/** The part of a workspace that builds look at; a first build's workspace is not stored yet. */
export type BuildableWorkspace = Pick<
  WorkspaceRow,
  "id" | "name" | "owner_id" | "organization_id" | "template_id" | "deleted" | "dormant_at"
>;

/** All that is decided about a build before it is stored. */
export type BuildPlan = {
  workspace: BuildableWorkspace;
  template: TemplateRow;
  version: BuildVersion;
  /** The build on which the plan stands: another one in its place makes the plan void. */
  previous: PreviousBuild | null;
  request: BuildRequest;
  initiatorId: string;
  parameters: NamedValue[];
  presetId: string | null;
  tags: Record<string, string>;
  /** "previous": what the previous build has reached by the time at which the plan is stored. */
  state: BuildState | "previous" | null;
};

export type PlanInput = {
  workspace: BuildableWorkspace;
  template: TemplateRow;
  request: BuildRequest;
  initiatorId: string;
  /** Who asks. `null` for what the server does on its own: it was judged when that was set up, and manages nothing. */
  subject: Subject | null;
};

/**
 * Checks a request for a build and settles version, parameters, tags and state (provisioning.md 10.2).
 * Reads only; `insertBuild` stores the plan, and refuses it when the workspace has moved on meanwhile.
 */
export async function planBuild(deps: Deps, input: PlanInput): Promise<BuildPlan> {
  const { workspace, template, request, subject } = input;
  if (workspace.deleted)
    throw new ApiError("conflict", `The workspace ${workspace.name} is deleted. Create a new one.`);
  const previous = await previousBuild(deps.db, workspace.id);
  requireIdle(workspace.name, previous);
  const isManager = subject !== null && authorize(subject, "update", templateObject(template));
  checkOptions(deps, request, subject, isManager);

  const versionId = chooseVersion(template, request, previous, isManager);
  if (subject && previous) checkChanges(subject, workspace, template, request, previous, versionId);
  const [version, parameters, presets] = await Promise.all([
    requireBuildVersion(deps.db, template.id, versionId),
    versionParameters(deps.db, versionId),
    versionPresets(deps.db, versionId),
  ]);
  if (version.archived && versionId !== previous?.template_version_id) {
    throw invalidField(
      "template_version_id",
      `template_version_id must not be archived, and ${version.name} is. Unarchive it, or choose another.`,
    );
  }
  const form = template.use_classic_parameter_flow ? null : await openForm(deps, input, version);
  const resolved = await resolveBuildParameters({ parameters, presets, form }, request, previous);
  return {
    workspace,
    template,
    version,
    previous,
    request,
    initiatorId: input.initiatorId,
    parameters: resolved.values,
    presetId: resolved.presetId,
    tags: await chooseTags(deps, input, version, resolved.values, previous),
    state: chooseState(request),
  };
}

function requireIdle(workspaceName: string, previous: PreviousBuild | null): void {
  if (!previous || previous.finished_at) return;
  throw buildIsActive(workspaceName);
}

export function buildIsActive(workspaceName: string): ApiError {
  return new ApiError(
    "conflict",
    `A build of the workspace ${workspaceName} is already active. Wait until it has ended, or cancel it.`,
  );
}

/** What only managers of the template, or of the deployment, may ask for. */
function checkOptions(deps: Deps, request: BuildRequest, subject: Subject | null, isManager: boolean): void {
  if (request.orphan && request.transition !== "delete") {
    throw invalidField("orphan", "orphan goes with the transition delete only.");
  }
  if (request.orphan && request.state) {
    throw invalidField("orphan", "orphan and state exclude each other: an orphaned delete has no state.");
  }
  if ((request.state || request.orphan) && !isManager) {
    throw new ApiError(
      "forbidden",
      "Only managers of the template may set the state of a build or orphan resources.",
    );
  }
  if (request.logLevel && subject) {
    if (!authorize(subject, "read", { type: "deployment_config" })) {
      throw invalidField("log_level", "log_level needs the right to read the deployment's configuration.");
    }
    if (!deps.config.enableTerraformDebugMode) {
      throw invalidField(
        "log_level",
        "log_level needs a server that was started with --enable-terraform-debug-mode.",
      );
    }
  }
}

/** Explicit, else active where the template requires that, else the last build's (provisioning.md 10.2). */
function chooseVersion(
  template: TemplateRow,
  request: BuildRequest,
  previous: PreviousBuild | null,
  isManager: boolean,
): string {
  const mustBeActive = template.require_active_version && request.transition === "start" && !isManager;
  const chosen =
    request.versionId ??
    (mustBeActive ? undefined : previous?.template_version_id) ??
    template.active_version_id;
  if (mustBeActive && chosen !== template.active_version_id) {
    throw new ApiError(
      "forbidden",
      `The template ${template.name} requires its active version. Start the workspace without naming another.`,
    );
  }
  return chosen;
}

/** Starting, stopping and deleting have rights of their own; changing what is built needs `update` (access.md 7.2). */
function checkChanges(
  subject: Subject,
  workspace: BuildableWorkspace,
  template: TemplateRow,
  request: BuildRequest,
  previous: PreviousBuild,
  versionId: string,
): void {
  const object = workspaceObject(workspace);
  // Waking a dormant workspace changes it.
  const wakes = workspace.dormant_at !== null && request.transition === "start";
  requireAccess(subject, wakes ? "update" : request.transition, object);
  const isForced = template.require_active_version && versionId === template.active_version_id;
  const changesVersion = versionId !== previous.template_version_id && !isForced;
  if (changesVersion || request.parameters.length > 0 || request.presetId)
    requireAccess(subject, "update", object);
}

async function chooseTags(
  deps: Deps,
  input: PlanInput,
  version: BuildVersion,
  parameters: readonly NamedValue[],
  previous: PreviousBuild | null,
): Promise<Record<string, string>> {
  try {
    const evaluated = await versionTags(deps, input, version, parameters);
    return buildJobTags(input.workspace.owner_id, version.importTags, evaluated);
  } catch (error) {
    const isRefused = error instanceof ApiError && error.code === "bad_request";
    if (!isRefused || input.request.transition === "start" || previous === null) throw error;
    // What its owner is, or is in, may have changed since. Whoever could build the workspace can take it down.
    const { tags } = await deps.db
      .selectFrom("provisioner_jobs")
      .select("tags")
      .where("id", "=", previous.job_id)
      .executeTakeFirstOrThrow();
    return tags;
  }
}

async function versionTags(
  deps: Deps,
  input: PlanInput,
  version: BuildVersion,
  parameters: readonly NamedValue[],
) {
  if (!version.hasWorkspaceTags) return {};
  const { workspace } = input;
  const [opened, variables, owner] = await Promise.all([
    openTemplate(deps, version.fileId),
    readVersionVariables(deps.db, deps.keyring, version.id),
    templateOwner(deps.db, workspace.owner_id, workspace.organization_id),
  ]);
  return evaluateWorkspaceTags(opened, {
    variables,
    parameters,
    owner,
    workspace: workspaceFacts(deps, input, version),
  });
}

function openForm(deps: Deps, input: PlanInput, version: BuildVersion): Promise<ParameterForm> {
  const { id, provisioner, fileId } = version;
  const { organization_id: organizationId, owner_id: ownerId } = input.workspace;
  return openParameterForm(deps, {
    version: { id, organizationId, provisioner, fileId },
    ownerId,
    workspace: workspaceFacts(deps, input, version),
  });
}

/** What `data.coder_workspace` will say in the build. */
function workspaceFacts(
  deps: Deps,
  { workspace, template, request }: PlanInput,
  version: BuildVersion,
): WorkspaceFacts {
  return {
    id: workspace.id,
    name: workspace.name,
    // As the daemon calls it for Terraform.
    transition: request.transition === "delete" ? "destroy" : request.transition,
    access_url: deps.config.accessUrl,
    template_id: template.id,
    template_name: template.name,
    template_version: version.name,
  };
}

/** Orphaned: none; else what was sent; else what the last build reached. */
function chooseState(request: BuildRequest): BuildPlan["state"] {
  if (request.orphan) return null;
  if (!request.state) return "previous";
  const state = parseState(request.state);
  if (!state)
    throw invalidField("state", "state must be a Terraform state file: a JSON object, base64 encoded.");
  return state;
}
