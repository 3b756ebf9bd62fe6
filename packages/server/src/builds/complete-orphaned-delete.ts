import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow, WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { finishJob } from "../jobs/finish-job.ts";
import { revokeSessionToken } from "../jobs/owner-session-token.ts";

/**
 * Ends an orphaned delete on the spot: there is nothing for Terraform to do and no daemon to say so
 * (provisioning.md 10.2).
 */
export async function completeOrphanedDelete(
  tx: Tx,
  deps: Deps,
  build: WorkspaceBuildRow,
  job: ProvisionerJobRow,
): Promise<WorkspaceBuildRow> {
  const now = deps.clock.now();
  await finishJob(tx, deps, job, {});
  const { owner_id } = await tx
    .updateTable("workspaces")
    .set({ deleted: true, updated_at: now })
    .where("id", "=", build.workspace_id)
    .returning("owner_id")
    .executeTakeFirstOrThrow();
  // A daemon would have had it revoked when it took the job.
  await revokeSessionToken(deps, tx, owner_id, build.workspace_id);
  await tx
    .updateTable("workspace_agents")
    .set({ deleted: true, updated_at: now })
    .where("workspace_id", "=", build.workspace_id)
    .where("deleted", "=", false)
    .execute();
  return tx.selectFrom("workspace_builds").selectAll().where("id", "=", build.id).executeTakeFirstOrThrow();
}
