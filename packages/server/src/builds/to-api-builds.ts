import type { builds } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { toApiJobs } from "../jobs/to-api-jobs.ts";
import { workspaceStatus } from "../workspaces/workspace-status.ts";
import { toApiResources } from "./to-api-resources.ts";

/** Builds as the API shows them, in the order given; the number of queries does not depend on theirs. */
export async function toApiBuilds(
  db: Db,
  deps: Deps,
  rows: readonly WorkspaceBuildRow[],
): Promise<builds.WorkspaceBuild[]> {
  if (rows.length === 0) return [];
  const jobIds = rows.map((row) => row.job_id);
  // The jobs first: one that has ended then never stands beside what was there before.
  const { jobRows, jobs } = await readJobs(db, jobIds);
  const [present, resources] = await Promise.all([readPresent(db, rows), toApiResources(db, deps, jobIds)]);
  const jobRowsById = new Map(jobRows.map((job) => [job.id, job]));
  return rows.map((row) => {
    const now = present.get(row.id);
    const job = jobs.get(row.job_id);
    const jobRow = jobRowsById.get(row.job_id);
    // Foreign keys hold all of them; a workspace and its builds are never deleted while their rows are read.
    if (!now || !job || !jobRow) throw new Error(`The build ${row.id} lost its job or its workspace.`);
    return {
      id: row.id,
      created_at: row.created_at.toISOString(),
      updated_at: now.updated_at.toISOString(),
      workspace_id: row.workspace_id,
      workspace_name: now.workspace_name,
      workspace_owner_id: now.owner_id,
      workspace_owner_name: now.owner_name,
      workspace_owner_avatar_url: now.owner_avatar_url,
      template_version_id: row.template_version_id,
      template_version_name: now.version_name,
      build_number: row.build_number,
      transition: row.transition,
      initiator_id: row.initiator_id,
      initiator_name: now.initiator_name,
      job,
      // Written from the API's own list, or by the schedule's reasons, which are in it too.
      reason: row.reason as builds.BuildReason,
      resources: resources.get(row.job_id) ?? [],
      ...(now.deadline ? { deadline: now.deadline.toISOString() } : {}),
      ...(now.max_deadline ? { max_deadline: now.max_deadline.toISOString() } : {}),
      status: workspaceStatus(row.transition, jobRow.status),
      daily_cost: now.daily_cost,
      template_version_preset_id: row.template_version_preset_id,
      has_external_agent: now.has_external_agent,
    };
  });
}

async function readJobs(db: Db, ids: readonly string[]) {
  const jobRows = await db.selectFrom("provisioner_jobs").selectAll().where("id", "in", ids).execute();
  return { jobRows, jobs: await toApiJobs(db, jobRows) };
}

/** What a job's end, or a renaming, may have changed since the rows were read. */
async function readPresent(db: Db, rows: readonly WorkspaceBuildRow[]) {
  const ids = rows.map((row) => row.id);
  const present = await db
    .selectFrom("workspace_builds as b")
    .innerJoin("workspaces as w", "w.id", "b.workspace_id")
    .innerJoin("users as owner", "owner.id", "w.owner_id")
    .innerJoin("users as initiator", "initiator.id", "b.initiator_id")
    .innerJoin("template_versions as version", "version.id", "b.template_version_id")
    .select([
      "b.id",
      "b.updated_at",
      "b.deadline",
      "b.max_deadline",
      "b.daily_cost",
      "w.name as workspace_name",
      "w.owner_id",
      "owner.username as owner_name",
      "owner.avatar_url as owner_avatar_url",
      "initiator.username as initiator_name",
      "version.name as version_name",
      "version.has_external_agent",
    ])
    .where("b.id", "in", ids)
    .execute();
  return new Map(present.map((row) => [row.id, row]));
}
