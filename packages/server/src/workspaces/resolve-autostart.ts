import { requireBuildVersion } from "../builds/build-version.ts";
import { previousBuild } from "../builds/previous-build.ts";
import { resolveBuildParameters } from "../builds/resolve-build-parameters.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import { openParameterForm } from "../templates/parameter-form.ts";
import { versionParameters } from "../templates/version-parameters.ts";

/**
 * Whether an automatic start would fail, because it moves to the active version, and that wants values which the
 * workspace does not have.
 */
export async function hasParameterMismatch(
  deps: Deps,
  workspace: Pick<
    WorkspaceRow,
    "id" | "name" | "owner_id" | "organization_id" | "template_id" | "automatic_updates"
  >,
): Promise<boolean> {
  const { db } = deps;
  const template = await db
    .selectFrom("templates")
    .select(["id", "name", "active_version_id", "require_active_version", "use_classic_parameter_flow"])
    .where("id", "=", workspace.template_id)
    .executeTakeFirstOrThrow();
  const movesOn = template.require_active_version || workspace.automatic_updates === "always";
  const last = movesOn ? await previousBuild(db, workspace.id) : null;
  if (!last || last.template_version_id === template.active_version_id) return false;
  const version = await requireBuildVersion(db, template.id, template.active_version_id);
  const form = template.use_classic_parameter_flow
    ? null
    : await openParameterForm(deps, {
        version: { ...version, organizationId: workspace.organization_id },
        ownerId: workspace.owner_id,
        workspace: {
          id: workspace.id,
          name: workspace.name,
          transition: "start",
          template_id: template.id,
          template_name: template.name,
          template_version: version.name,
        },
      });
  try {
    await resolveBuildParameters(
      { parameters: await versionParameters(db, version.id), presets: [], form },
      { transition: "start", parameters: [], reason: "autostart" },
      last,
    );
    return false;
  } catch (error) {
    if (error instanceof ApiError && error.code === "bad_request") return true;
    throw error;
  }
}
