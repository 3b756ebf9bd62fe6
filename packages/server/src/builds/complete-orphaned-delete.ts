import type { Tx } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

/**
 * Ends an orphaned delete on the spot: there is nothing for Terraform to do and no daemon to say so
 * (provisioning.md 10.2).
 */
export async function completeOrphanedDelete(
  tx: Tx,
  deps: Deps,
  build: WorkspaceBuildRow,
): Promise<WorkspaceBuildRow> {
  const now = deps.clock.now();
  await tx
    .updateTable("provisioner_jobs")
    .set({ started_at: now, completed_at: now, updated_at: now })
    .where("id", "=", build.job_id)
    .execute();
  await tx
    .updateTable("workspaces")
    .set({ deleted: true, updated_at: now })
    .where("id", "=", build.workspace_id)
    .execute();
  await tx
    .updateTable("workspace_agents")
    .set({ deleted: true, updated_at: now })
    .where("workspace_id", "=", build.workspace_id)
    .where("deleted", "=", false)
    .execute();
  await deps.events.publish(tx, "job", build.job_id);
  return tx
    .updateTable("workspace_builds")
    .set({ finished_at: now, updated_at: now })
    .where("id", "=", build.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
