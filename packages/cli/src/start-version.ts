import type { workspaces } from "@slipway/api/client";

/**
 * The version that a start builds: the one it has, or the template's active one where the template requires that
 * or the workspace follows it by itself (provisioning.md 10.2).
 */
export function startVersion(workspace: workspaces.Workspace): string {
  const followsActive = workspace.template_require_active_version || workspace.automatic_updates === "always";
  return followsActive ? workspace.template_active_version_id : workspace.latest_build.template_version_id;
}
