import type { jobs } from "@slipway/api";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import { type ExplainedPending, explainPending } from "./explain-pending.ts";

const nilUuid = "00000000-0000-0000-0000-000000000000";

/** Jobs as the API shows them, by id; the number of queries does not depend on theirs. */
export async function toApiJobs(
  db: Db | Tx,
  rows: readonly ProvisionerJobRow[],
): Promise<Map<string, jobs.ProvisionerJob>> {
  if (rows.length === 0) return new Map();
  const metadata = await jobMetadata(
    db,
    rows.map(({ id }) => id),
  );
  const pending = await explainPending(
    db,
    rows.filter(({ status }) => status === "pending"),
    (jobId) => metadata.get(jobId)?.template_id,
  );
  return new Map(rows.map((row) => [row.id, toApiJob(row, metadata.get(row.id), pending.get(row.id))]));
}

type Metadata = {
  version_id: string | null;
  version_name: string | null;
  template_id: string | null;
  template_name: string | null;
  template_display_name: string | null;
  template_icon: string | null;
  build_id: string | null;
  workspace_id: string | null;
  workspace_name: string | null;
  transition: jobs.ProvisionerJob["metadata"]["workspace_build_transition"] | null;
};

function toApiJob(
  row: ProvisionerJobRow,
  found: Metadata | undefined,
  pending: ExplainedPending | undefined,
): jobs.ProvisionerJob {
  const code = row.error_code;
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    ...(row.started_at ? { started_at: row.started_at.toISOString() } : {}),
    ...(row.completed_at ? { completed_at: row.completed_at.toISOString() } : {}),
    ...(row.canceled_at ? { canceled_at: row.canceled_at.toISOString() } : {}),
    ...(row.error ? { error: row.error } : {}),
    ...(code === "REQUIRED_TEMPLATE_VARIABLES" || code === "INSUFFICIENT_QUOTA" ? { error_code: code } : {}),
    status: row.status,
    ...(row.daemon_id ? { worker_id: row.daemon_id } : {}),
    ...(row.daemon_name ? { worker_name: row.daemon_name } : {}),
    file_id: row.file_id,
    tags: row.tags,
    queue_position: pending?.reason.position ?? 0,
    queue_size: pending?.reason.size ?? 0,
    organization_id: row.organization_id,
    initiator_id: row.initiator_id,
    input: {
      ...(found?.version_id && row.type !== "workspace_build"
        ? { template_version_id: found.version_id }
        : {}),
      ...(found?.build_id ? { workspace_build_id: found.build_id } : {}),
    },
    type: row.type,
    ...(pending ? { available_workers: pending.workers } : {}),
    metadata: {
      template_version_name: found?.version_name ?? "",
      // An import may come before its template.
      template_id: found?.template_id ?? nilUuid,
      template_name: found?.template_name ?? "",
      template_display_name: found?.template_display_name ?? "",
      template_icon: found?.template_icon ?? "",
      ...(found?.workspace_id ? { workspace_id: found.workspace_id } : {}),
      ...(found?.workspace_name ? { workspace_name: found.workspace_name } : {}),
      ...(found?.transition ? { workspace_build_transition: found.transition } : {}),
    },
    logs_overflowed: row.logs_overflowed,
    ...(pending ? { pending_reason: pending.reason.message, pending: pending.reason } : {}),
  };
}

async function jobMetadata(db: Db | Tx, jobIds: readonly string[]): Promise<Map<string, Metadata>> {
  const { rows } = await sql<Metadata & { id: string }>`
    select job.id, version.id as version_id, version.name as version_name, template.id as template_id,
      template.name as template_name, template.display_name as template_display_name,
      template.icon as template_icon, build.id as build_id, workspace.id as workspace_id,
      workspace.name as workspace_name, build.transition
    from provisioner_jobs job
    left join workspace_builds build on build.job_id = job.id
    left join workspaces workspace on workspace.id = build.workspace_id
    left join template_versions version on version.id =
      coalesce(build.template_version_id, (job.input ->> 'template_version_id')::uuid)
    left join templates template on template.id = version.template_id
    where job.id = any(${jobIds}::uuid[])`.execute(db);
  return new Map(rows.map(({ id, ...metadata }) => [id, metadata]));
}
