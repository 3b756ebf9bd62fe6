import { randomUUID } from "node:crypto";
import type { AuditEntry } from "../audit/audit.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { QueuedStart } from "../db/schema/columns.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import { buildPriority } from "../jobs/job-priority.ts";
import { matchedProvisioners } from "../jobs/matched-provisioners.ts";
import { postJob } from "../jobs/post-job.ts";
import { type BuildState, readBuildState, writeBuildState } from "./build-state.ts";
import { completeOrphanedDelete } from "./complete-orphaned-delete.ts";
import { type BuildPlan, buildIsActive } from "./plan-build.ts";

export type InsertOptions = {
  /** Where the request came from; absent for what the server does on its own. */
  origin?: AuditEntry["request"];
  onSuccess?: QueuedStart | undefined;
};

/**
 * Stores a planned build with its job, parameters, state and audit entry, in the caller's transaction.
 * That one unfinished build is the most a workspace can have is the database's word, not this function's.
 */
export async function insertBuild(
  tx: Tx,
  deps: Deps,
  plan: BuildPlan,
  { origin, onSuccess }: InsertOptions = {},
): Promise<WorkspaceBuildRow> {
  const { workspace, version, previous, request } = plan;
  await requireOwnerStays(tx, plan);
  await lockAndCompare(tx, plan);
  const now = deps.clock.now();
  const id = randomUUID();
  const job = await postJob(tx, deps, {
    organizationId: workspace.organization_id,
    initiatorId: plan.initiatorId,
    type: "workspace_build",
    provisioner: version.provisioner,
    fileId: version.fileId,
    input: {
      workspace_build_id: id,
      ...(request.logLevel ? { log_level: request.logLevel } : {}),
      ...(request.orphan ? { orphan: true } : {}),
    },
    tags: plan.tags,
    priority: buildPriority({ initiatorId: plan.initiatorId, reason: request.reason }),
  });
  const build = await insertRow(tx, workspace.name, {
    id,
    workspace_id: workspace.id,
    template_version_id: version.id,
    template_version_preset_id: plan.presetId,
    job_id: job.id,
    build_number: (previous?.build_number ?? 0) + 1,
    transition: request.transition,
    reason: request.reason,
    initiator_id: plan.initiatorId,
    on_success: onSuccess ? JSON.stringify(onSuccess) : null,
    created_at: now,
    updated_at: now,
  });
  if (plan.parameters.length > 0) {
    const parameters = plan.parameters.map(({ name, value }) => ({ build_id: id, name, value }));
    await tx.insertInto("workspace_build_parameters").values(parameters).execute();
  }
  const state = await stateOf(tx, deps, plan);
  if (state !== null) await writeBuildState(tx, deps.keyring, id, state, now);
  if (workspace.dormant_at && request.transition === "start") {
    await tx
      .updateTable("workspaces")
      .set({ dormant_at: null, deleting_at: null, last_used_at: now, updated_at: now })
      .where("id", "=", workspace.id)
      .execute();
  }
  await deps.audit.record(tx, {
    action: request.transition,
    resourceType: "workspace_build",
    resourceId: id,
    resourceTarget: workspace.name,
    organizationId: workspace.organization_id,
    statusCode: 201,
    userId: plan.initiatorId,
    request: origin,
    additionalFields: {
      workspace_id: workspace.id,
      workspace_name: workspace.name,
      build_number: build.build_number,
      build_reason: request.reason,
    },
  });
  await deps.events.publish(tx, "workspace", workspace.id);
  const { available } = request.orphan
    ? await matchedProvisioners(tx, deps, workspace.organization_id, plan.tags)
    : { available: 1 };
  return available > 0 ? build : completeOrphanedDelete(tx, deps, build, job);
}

/** Read under the workspace's lock: a daemon may have handed in a newer one while the build was planned. */
async function stateOf(
  tx: Tx,
  { keyring }: Pick<Deps, "keyring">,
  { state, previous }: BuildPlan,
): Promise<BuildState | null> {
  if (state !== "previous") return state;
  return previous === null ? null : readBuildState(tx, keyring, previous.id);
}

/**
 * Locks the owner's account, before the workspace as everybody does, against a deletion, which looks for workspaces
 * before it goes on, and a suspension, which has them stopped. Others may still start what a suspended owner has.
 */
async function requireOwnerStays(tx: Tx, { workspace, request, initiatorId }: BuildPlan): Promise<void> {
  const owner = await tx
    .selectFrom("users")
    .select(["username", "status", "deleted"])
    .where("id", "=", workspace.owner_id)
    .forShare()
    .executeTakeFirstOrThrow();
  if (owner.deleted) {
    throw new ApiError("conflict", `${owner.username}, who was to own the workspace, was deleted meanwhile.`);
  }
  if (owner.status !== "suspended" || request.transition !== "start") return;
  if (initiatorId === workspace.owner_id) {
    throw new ApiError("forbidden", `${owner.username} is suspended and cannot start workspaces.`);
  }
}

/** The plan was made without a lock: it holds only while its previous build is still the newest. */
async function lockAndCompare(tx: Tx, { workspace, previous }: BuildPlan): Promise<void> {
  const row = await tx
    .selectFrom("workspaces")
    .select("deleted")
    .where("id", "=", workspace.id)
    .forUpdate()
    .executeTakeFirst();
  if (!row || row.deleted) {
    throw new ApiError("conflict", `The workspace ${workspace.name} is deleted. Create a new one.`);
  }
  const newest = await tx
    .selectFrom("workspace_builds")
    .select("id")
    .where("workspace_id", "=", workspace.id)
    .orderBy("build_number", "desc")
    .limit(1)
    .executeTakeFirst();
  if (newest?.id !== previous?.id) throw buildIsActive(workspace.name);
}

async function insertRow(
  tx: Tx,
  workspaceName: string,
  values: Parameters<ReturnType<typeof tx.insertInto<"workspace_builds">>["values"]>[0],
): Promise<WorkspaceBuildRow> {
  try {
    return await tx.insertInto("workspace_builds").values(values).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw buildIsActive(workspaceName);
  }
}
