import type { workspaces } from "@slipway/api";
import { toApiBuilds } from "../builds/to-api-builds.ts";
import type { Db } from "../db/db.ts";
import type { WorkspaceBuildRow, WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { prebuildsUserId } from "../jobs/job-priority.ts";

/**
 * Workspaces as the API shows them to one caller, in the order given. The number of queries does not depend on
 * theirs, which is what keeps the first page of ten thousand as quick as the first page of ten.
 */
export async function toApiWorkspaces(
  db: Db,
  deps: Deps,
  auth: { user: { id: string } },
  rows: readonly WorkspaceRow[],
): Promise<workspaces.Workspace[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const [names, builds] = await Promise.all([workspaceNames(db, ids), latestBuilds(db, ids)]);
  const apiBuilds = new Map(
    (await toApiBuilds(db, deps, builds)).map((build) => [build.workspace_id, build]),
  );
  return rows.map((row) => {
    const name = names.get(row.id);
    const build = apiBuilds.get(row.id);
    // A workspace is inserted together with its first build.
    if (!name || !build) throw new Error(`The workspace ${row.id} has no build.`);
    const failing = build.resources
      .flatMap((resource) => resource.agents ?? [])
      .filter((agent) => !agent.health.healthy)
      .map((agent) => agent.id);
    return {
      id: row.id,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      owner_id: row.owner_id,
      owner_name: name.owner_name,
      owner_avatar_url: name.owner_avatar_url,
      organization_id: row.organization_id,
      organization_name: name.organization_name,
      template_id: row.template_id,
      template_name: name.template_name,
      template_display_name: name.template_display_name,
      template_icon: name.template_icon,
      template_allow_user_cancel_workspace_jobs: name.allow_user_cancel_workspace_jobs,
      template_active_version_id: name.active_version_id,
      template_require_active_version: name.require_active_version,
      template_use_classic_parameter_flow: name.use_classic_parameter_flow,
      latest_build: build,
      latest_app_status: null,
      outdated: build.template_version_id !== name.active_version_id,
      name: row.name,
      ...(row.autostart_schedule === null ? {} : { autostart_schedule: row.autostart_schedule }),
      ...(row.ttl_ms === null ? {} : { ttl_ms: row.ttl_ms }),
      last_used_at: row.last_used_at.toISOString(),
      deleting_at: row.deleting_at?.toISOString() ?? null,
      dormant_at: row.dormant_at?.toISOString() ?? null,
      health: { healthy: failing.length === 0, failing_agents: failing },
      automatic_updates: row.automatic_updates,
      allow_renames: deps.config.allowWorkspaceRenames || name.allow_workspace_renames,
      favorite: row.favorite && row.owner_id === auth.user.id,
      next_start_at: row.next_start_at?.toISOString() ?? null,
      is_prebuild: row.owner_id === prebuildsUserId,
    };
  });
}

async function workspaceNames(db: Db, ids: readonly string[]) {
  const names = await db
    .selectFrom("workspaces as w")
    .innerJoin("users as owner", "owner.id", "w.owner_id")
    .innerJoin("organizations as organization", "organization.id", "w.organization_id")
    .innerJoin("templates as t", "t.id", "w.template_id")
    .select([
      "w.id",
      "owner.username as owner_name",
      "owner.avatar_url as owner_avatar_url",
      "organization.name as organization_name",
      "t.name as template_name",
      "t.display_name as template_display_name",
      "t.icon as template_icon",
      "t.allow_user_cancel_workspace_jobs",
      "t.active_version_id",
      "t.require_active_version",
      "t.use_classic_parameter_flow",
      "t.allow_workspace_renames",
    ])
    .where("w.id", "in", ids)
    .execute();
  return new Map(names.map((name) => [name.id, name]));
}

/** The newest build of each workspace. */
function latestBuilds(db: Db, workspaceIds: readonly string[]): Promise<WorkspaceBuildRow[]> {
  return db
    .selectFrom("workspaces as w")
    .innerJoin("workspace_builds as b", "b.id", "w.latest_build_id")
    .selectAll("b")
    .where("w.id", "in", workspaceIds)
    .execute();
}
