import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import type { Pass } from "../passes.ts";
import { handleEach } from "./handle-each.ts";
import { insertBuild } from "./insert-build.ts";
import { planBuild } from "./plan-build.ts";

/** A restart is asked for by one request; what it waits for is seldom over in less time than this. */
export const queuedStartsPass: Pass = { name: "queued starts", everyMs: 1_000, runOnce: runQueuedStarts };

/**
 * Begins the starts that were queued behind stops (`on_success`): a restart goes on although the client that
 * asked for it is gone. A stop that failed or was followed by another build takes its queued start with it.
 */
export function runQueuedStarts(deps: Deps): Promise<number> {
  return handleEach<WorkspaceBuildRow>(deps, {
    page: (afterId, limit) =>
      deps.db
        .selectFrom("workspace_builds")
        .selectAll()
        .where("on_success", "is not", null)
        .where("finished_at", "is not", null)
        .where("id", ">", afterId)
        .orderBy("id")
        .limit(limit)
        .execute(),
    workspaceId: (stop) => stop.workspace_id,
    handle: (stop) => runQueuedStart(deps, stop),
    async onRefused(stop, refusal) {
      deps.log.warn(
        { err: refusal, workspaceId: stop.workspace_id },
        "the start queued behind a stop was refused",
      );
      await deps.db
        .updateTable("workspace_builds")
        .set({ on_success: null })
        .where("id", "=", stop.id)
        .execute();
    },
    failed: "the start queued behind a stop could not be planned",
  });
}

async function runQueuedStart(deps: Deps, stop: WorkspaceBuildRow): Promise<boolean> {
  const plan = await planQueuedStart(deps, stop);
  return deps.db.transaction().execute(async (tx) => {
    // Whoever empties the field is the one who starts: replicas may look at once.
    const claimed = await tx
      .updateTable("workspace_builds")
      .set({ on_success: null })
      .where("id", "=", stop.id)
      .where("on_success", "is not", null)
      .executeTakeFirst();
    if (claimed.numUpdatedRows === 0n || plan?.previous?.id !== stop.id) return false;
    await insertBuild(tx, deps, plan);
    return true;
  });
}

/** `null` when the stop did not succeed: there is nothing to go on from. */
async function planQueuedStart(deps: Deps, stop: WorkspaceBuildRow) {
  const job = await deps.db
    .selectFrom("provisioner_jobs")
    .select("status")
    .where("id", "=", stop.job_id)
    .executeTakeFirstOrThrow();
  const queued = stop.on_success;
  if (job.status !== "succeeded" || !queued) return null;
  const workspace = await deps.db
    .selectFrom("workspaces")
    .selectAll()
    .where("id", "=", stop.workspace_id)
    .executeTakeFirstOrThrow();
  const template = await deps.db
    .selectFrom("templates")
    .selectAll()
    .where("id", "=", workspace.template_id)
    .executeTakeFirstOrThrow();
  return planBuild(deps, {
    workspace,
    template,
    subject: null,
    initiatorId: stop.initiator_id,
    request: {
      transition: "start",
      versionId: queued.template_version_id,
      presetId: queued.template_version_preset_id,
      parameters: queued.rich_parameter_values,
      reason: stop.reason,
    },
  });
}
