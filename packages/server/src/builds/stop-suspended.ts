import type { Tx } from "../db/db.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Pass } from "../passes.ts";
import { handleEach } from "./handle-each.ts";
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
export function runSuspendedStops(deps: Deps): Promise<number> {
  return handleEach<WorkspaceRow>(deps, {
    page: (afterId, limit) => dueStops(deps, afterId, limit),
    workspaceId: ({ id }) => id,
    handle: (workspace) => stopSuspended(deps, workspace),
    async onRefused({ id }, refusal) {
      // Another replica or somebody else's build came first, or the owner is back: the next round looks again.
      if (refusal.code === "conflict") return;
      deps.log.warn({ err: refusal, workspaceId: id }, "the workspace of a suspended owner runs on");
      await deps.db.updateTable("workspaces").set({ stop_for: null }).where("id", "=", id).execute();
    },
    failed: "the workspace of a suspended owner could not be stopped",
  });
}

function dueStops(deps: Deps, afterId: string, limit: number): Promise<WorkspaceRow[]> {
  return deps.db
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
    .where("w.id", ">", afterId)
    .orderBy("w.id")
    .limit(limit)
    .execute();
}

async function stopSuspended(deps: Deps, workspace: WorkspaceRow): Promise<boolean> {
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
