import type { Tx } from "../db/db.ts";
import { isPostgresAway } from "../db/postgres-errors.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Pass } from "../passes.ts";
import { insertBuild } from "./insert-build.ts";
import { planBuild } from "./plan-build.ts";
import { previousBuild } from "./previous-build.ts";

/** Stops what suspended people left running. */
export const stopSuspendedPass: Pass = {
  name: "stops of suspended owners",
  everyMs: 1_000,
  runOnce: runSuspendedStops,
};

/**
 * Has all workspaces of an owner stopped who is being suspended (access.md 2.1), also those whose start is under way.
 * Called after the account was changed: whoever starts one later locks the account first, and is refused.
 */
export async function stopWorkspacesOf(tx: Tx, ownerId: string, suspendedBy: string): Promise<void> {
  await tx
    .updateTable("workspaces")
    .set({ stop_for: suspendedBy })
    .where("owner_id", "=", ownerId)
    .where("deleted", "=", false)
    .execute();
}

/** The owner is back: what is not stopped yet runs on, and what is stopped stays so. */
export async function keepWorkspacesOf(tx: Tx, ownerId: string): Promise<void> {
  await tx
    .updateTable("workspaces")
    .set({ stop_for: null })
    .where("owner_id", "=", ownerId)
    .where("stop_for", "is not", null)
    .execute();
}

/** Queues the stops that are due and returns how many. A workspace with a build under way waits for its end. */
export async function runSuspendedStops(deps: Deps): Promise<number> {
  const due = await deps.db
    .selectFrom("workspaces as w")
    .selectAll("w")
    .where("w.stop_for", "is not", null)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("workspace_builds as b")
            .select("b.id")
            .whereRef("b.workspace_id", "=", "w.id")
            .where("b.finished_at", "is", null),
        ),
      ),
    )
    .limit(100)
    .execute();
  let stopped = 0;
  for (const workspace of due) if (await stopSuspended(deps, workspace)) stopped++;
  return stopped;
}

async function stopSuspended(deps: Deps, workspace: WorkspaceRow): Promise<boolean> {
  try {
    const plan = await planStop(deps, workspace);
    await deps.db.transaction().execute(async (tx) => {
      // First, as it locks the owner's account before the workspace: everybody keeps that order.
      if (plan) await insertBuild(tx, deps, plan);
      const claimed = await tx
        .updateTable("workspaces")
        .set({ stop_for: null })
        .where("id", "=", workspace.id)
        .where("stop_for", "is not", null)
        .executeTakeFirst();
      if (claimed.numUpdatedRows === 0n) throw new ApiError("conflict", "The stop is due no more.");
    });
    return plan !== null;
  } catch (error) {
    if (isPostgresAway(error)) throw error;
    if (!(error instanceof ApiError)) {
      // What is wrong with this one holds up no other; the next round tries it again.
      deps.log.error(
        { err: error, workspaceId: workspace.id },
        "the workspace of a suspended owner could not be stopped",
      );
      return false;
    }
    // Another replica or somebody else's build came first, or the owner is back: the next round looks again.
    if (error.code === "conflict") return false;
    deps.log.warn({ err: error, workspaceId: workspace.id }, "the workspace of a suspended owner runs on");
    await deps.db.updateTable("workspaces").set({ stop_for: null }).where("id", "=", workspace.id).execute();
    return false;
  }
}

/** `null` when there is nothing to stop. A start that failed may have left something running. */
async function planStop(deps: Deps, workspace: WorkspaceRow) {
  const latest = await previousBuild(deps.db, workspace.id);
  if (workspace.deleted || latest?.transition !== "start") return null;
  const template = await deps.db
    .selectFrom("templates")
    .selectAll()
    .where("id", "=", workspace.template_id)
    .executeTakeFirstOrThrow();
  return planBuild(deps, {
    workspace,
    template,
    subject: null,
    initiatorId: workspace.stop_for ?? workspace.owner_id,
    request: { transition: "stop", parameters: [], reason: "initiator" },
  });
}
