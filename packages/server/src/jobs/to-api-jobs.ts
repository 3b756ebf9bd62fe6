import { daemons, type jobs } from "@slipway/api";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import { pendingReason } from "./pending-reason.ts";
import { type QueuePosition, queuePositions } from "./queue-positions.ts";

const nilUuid = "00000000-0000-0000-0000-000000000000";

/** Jobs as the API shows them, by id; the number of queries does not depend on theirs. */
export async function toApiJobs(
  db: Db | Tx,
  rows: readonly ProvisionerJobRow[],
): Promise<Map<string, jobs.ProvisionerJob>> {
  if (rows.length === 0) return new Map();
  const pending = rows.filter(({ status }) => status === "pending");
  const metadata = await jobMetadata(
    db,
    rows.map(({ id }) => id),
  );
  const queue = await queuePositions(
    db,
    pending.map(({ id }) => id),
  );
  const live = pending.length === 0 ? [] : await liveDaemons(db, pending);
  return new Map(
    rows.map((row) => {
      const found = metadata.get(row.id);
      const place = queue.get(row.id) ?? { position: 0, size: 0, workers: [] };
      const inOrganization = live.filter(({ organizationId }) => organizationId === row.organization_id);
      return [row.id, toApiJob(row, found, place, inOrganization)];
    }),
  );
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

type LiveDaemon = Parameters<typeof pendingReason>[1][number] & { organizationId: string };

function toApiJob(
  row: ProvisionerJobRow,
  found: Metadata | undefined,
  place: QueuePosition,
  live: readonly LiveDaemon[],
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
    queue_position: place.position,
    queue_size: place.size,
    organization_id: row.organization_id,
    initiator_id: row.initiator_id,
    input: {
      ...(found?.version_id && row.type !== "workspace_build"
        ? { template_version_id: found.version_id }
        : {}),
      ...(found?.build_id ? { workspace_build_id: found.build_id } : {}),
    },
    type: row.type,
    ...(row.status === "pending" ? { available_workers: place.workers } : {}),
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
    ...(row.status === "pending" ? { pending_reason: pendingReason(row, live, place) } : {}),
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

async function liveDaemons(db: Db | Tx, pending: readonly ProvisionerJobRow[]): Promise<LiveDaemon[]> {
  const organizationIds = [...new Set(pending.map(({ organization_id }) => organization_id))];
  const rows = await db
    .selectFrom("provisioner_daemons")
    .select(["organization_id", "provisioners", "tags"])
    .where("organization_id", "in", organizationIds)
    .where("last_seen_at", ">", sql<Date>`now() - ${daemons.daemonOfflineAfterMs} * interval '1 millisecond'`)
    .execute();
  return rows.map((row) => ({
    organizationId: row.organization_id,
    provisioners: row.provisioners,
    tags: row.tags,
  }));
}
