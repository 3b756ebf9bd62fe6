import { resolveParameters } from "@slipway/template";
import { previousBuild } from "../builds/previous-build.ts";
import type { Db } from "../db/db.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import { versionParameters } from "../templates/version-parameters.ts";

/**
 * Whether an automatic start would fail, because it moves to the active version, and that wants values which the
 * workspace does not have.
 */
export async function hasParameterMismatch(
  db: Db,
  workspace: Pick<WorkspaceRow, "id" | "template_id" | "automatic_updates">,
): Promise<boolean> {
  const template = await db
    .selectFrom("templates")
    .select(["active_version_id", "require_active_version"])
    .where("id", "=", workspace.template_id)
    .executeTakeFirstOrThrow();
  const movesOn = template.require_active_version || workspace.automatic_updates === "always";
  const last = movesOn ? await previousBuild(db, workspace.id) : null;
  if (!last || last.template_version_id === template.active_version_id) return false;
  const { errors } = resolveParameters({
    parameters: await versionParameters(db, template.active_version_id),
    previous: last.parameters,
    request: new Map(),
    preset: new Map(),
    transition: "start",
    isFirstBuild: false,
  });
  return errors.length > 0;
}
