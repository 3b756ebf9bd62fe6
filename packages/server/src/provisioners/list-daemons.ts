import { daemons } from "@slipway/api";
import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ProvisionerDaemonRow, ProvisionerJobRow } from "../db/schema.ts";
import { liveDaemonSql } from "./live-daemon-sql.ts";

export type ListDaemons = {
  ids?: readonly string[] | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  maxAgeMs: number | null;
  statuses?: readonly daemons.ProvisionerDaemonStatus[] | undefined;
  withOffline: boolean;
  /** Null: all of them. */
  limit: number | null;
};

type JobOfDaemon = {
  daemon_id: string;
  id: string;
  status: ProvisionerJobRow["status"];
  is_current: boolean;
  template_name: string;
  template_icon: string;
  template_display_name: string;
};

const isLive = liveDaemonSql("daemon");

/** The daemons of an organization with what they do and did last, newest first (provisioning.md §3.3). */
export async function listDaemons(
  db: Db,
  organizationId: string,
  options: ListDaemons,
): Promise<daemons.ProvisionerDaemon[]> {
  const busyIds = sql`select daemon_id from provisioner_jobs where organization_id = ${organizationId}
    and started_at is not null and completed_at is null`;
  const status = sql<daemons.ProvisionerDaemonStatus>`
    case when not ${isLive} then 'offline' when daemon.id in (${busyIds}) then 'busy' else 'idle' end`;
  let query = db
    .selectFrom("provisioner_daemons as daemon")
    .leftJoin("provisioner_keys as key", "key.id", "daemon.key_id")
    .selectAll("daemon")
    .select(["key.name as key_name", status.as("status")])
    .where("daemon.organization_id", "=", organizationId)
    .orderBy("daemon.created_at", "desc")
    .orderBy("daemon.id");
  if (options.limit !== null) query = query.limit(options.limit);
  if (options.ids?.length) query = query.where("daemon.id", "in", options.ids);
  if (options.tags !== undefined)
    query = query.where(sql<boolean>`daemon.tags @> ${JSON.stringify(options.tags)}::jsonb`);
  if (options.maxAgeMs !== null) {
    query = query.where(sql<boolean>`last_seen_at > now() - ${options.maxAgeMs} * interval '1 millisecond'`);
  }
  if (!options.withOffline) query = query.where(isLive);
  if (options.statuses?.length) query = query.where(status, "in", options.statuses);
  const rows = await query.execute();
  const jobs = await jobsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => toApiDaemon(row, jobs.get(row.id) ?? []));
}

/** Of each daemon the job it runs, and the last one that it ended. */
async function jobsOf(db: Db, daemonIds: readonly string[]): Promise<Map<string, JobOfDaemon[]>> {
  if (daemonIds.length === 0) return new Map();
  const last = (isCurrent: boolean) => sql`
    select job.*, ${isCurrent}::boolean as is_current from provisioner_jobs job
    where job.daemon_id = daemon.id and job.started_at is not null
      and job.completed_at is ${isCurrent ? sql`null` : sql`not null`}
    order by job.completed_at desc nulls first limit 1`;
  const { rows } = await sql<JobOfDaemon>`
    select daemon.id as daemon_id, job.id, job.status, job.is_current, coalesce(template.name, '') as template_name,
      coalesce(template.icon, '') as template_icon, coalesce(template.display_name, '') as template_display_name
    from unnest(${daemonIds}::uuid[]) daemon (id)
    cross join lateral ((${last(true)}) union all (${last(false)})) job
    left join workspace_builds build on build.job_id = job.id
    left join template_versions version on version.id =
      coalesce(build.template_version_id, (job.input ->> 'template_version_id')::uuid)
    left join templates template on template.id = version.template_id`.execute(db);
  return Map.groupBy(rows, ({ daemon_id }) => daemon_id);
}

const RESERVED_NAMES = new Map<string, string>(
  Object.entries(daemons.reservedProvisionerKeyNames).map(([name, id]) => [id, name]),
);

function toApiDaemon(
  row: ProvisionerDaemonRow & { key_name: string | null; status: daemons.ProvisionerDaemonStatus },
  jobs: readonly JobOfDaemon[],
): daemons.ProvisionerDaemon {
  const current = jobs.find(({ is_current }) => is_current);
  const previous = jobs.find(({ is_current }) => !is_current);
  return {
    id: row.id,
    organization_id: row.organization_id,
    key_id: row.key_id,
    created_at: row.created_at.toISOString(),
    ...(row.last_seen_at ? { last_seen_at: row.last_seen_at.toISOString() } : {}),
    name: row.name,
    version: row.version,
    api_version: row.api_version,
    // Only these two can register.
    provisioners: row.provisioners.filter((each) => each === "terraform" || each === "echo"),
    tags: row.tags,
    // A key that was deleted has left no name.
    key_name: RESERVED_NAMES.get(row.key_id) ?? row.key_name,
    status: row.status,
    current_job: current ? toApiDaemonJob(current) : null,
    previous_job: previous ? toApiDaemonJob(previous) : null,
  };
}

function toApiDaemonJob(job: JobOfDaemon): daemons.ProvisionerDaemonJob {
  const { id, status, template_name, template_icon, template_display_name } = job;
  return { id, status, template_name, template_icon, template_display_name };
}
