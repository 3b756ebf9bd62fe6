import { daemons } from "@slipway/api";
import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ProvisionerDaemonRow, ProvisionerJobRow } from "../db/schema.ts";

export type ListDaemons = {
  ids?: readonly string[] | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  maxAgeMs: number | null;
  statuses?: readonly daemons.ProvisionerDaemonStatus[] | undefined;
  withOffline: boolean;
  limit: number;
  now: Date;
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

/** The daemons of an organization with what they do and did last, newest first (provisioning.md §3.3). */
export async function listDaemons(
  db: Db,
  organizationId: string,
  options: ListDaemons,
): Promise<daemons.ProvisionerDaemon[]> {
  let query = db
    .selectFrom("provisioner_daemons as daemon")
    .leftJoin("provisioner_keys as key", "key.id", "daemon.key_id")
    .selectAll("daemon")
    .select("key.name as key_name")
    .where("daemon.organization_id", "=", organizationId)
    .orderBy("daemon.created_at", "desc")
    .orderBy("daemon.id");
  if (options.ids?.length) query = query.where("daemon.id", "in", options.ids);
  if (options.tags !== undefined)
    query = query.where(sql<boolean>`daemon.tags @> ${JSON.stringify(options.tags)}::jsonb`);
  if (options.maxAgeMs !== null) {
    query = query.where(sql<boolean>`last_seen_at > now() - ${options.maxAgeMs} * interval '1 millisecond'`);
  }
  if (!options.withOffline) {
    query = query.where(
      sql<boolean>`last_seen_at > now() - ${daemons.daemonOfflineAfterMs} * interval '1 millisecond'`,
    );
  }
  const rows = await query.execute();
  const jobs = await jobsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows
    .map((row) => toApiDaemon(row, jobs.get(row.id) ?? [], options.now))
    .filter(
      ({ status }) => !options.statuses?.length || (status !== null && options.statuses.includes(status)),
    )
    .slice(0, options.limit);
}

/** Of each daemon the job it runs, and the last one that it ended. */
async function jobsOf(db: Db, daemonIds: readonly string[]): Promise<Map<string, JobOfDaemon[]>> {
  if (daemonIds.length === 0) return new Map();
  const { rows } = await sql<JobOfDaemon>`
    select distinct on (job.daemon_id, job.completed_at is null) job.daemon_id, job.id, job.status,
      job.completed_at is null as is_current, coalesce(template.name, '') as template_name,
      coalesce(template.icon, '') as template_icon, coalesce(template.display_name, '') as template_display_name
    from provisioner_jobs job
    left join workspace_builds build on build.job_id = job.id
    left join template_versions version on version.id =
      coalesce(build.template_version_id, (job.input ->> 'template_version_id')::uuid)
    left join templates template on template.id = version.template_id
    where job.daemon_id = any(${daemonIds}::uuid[])
    order by job.daemon_id, job.completed_at is null, job.started_at desc`.execute(db);
  return Map.groupBy(rows, ({ daemon_id }) => daemon_id);
}

const RESERVED_NAMES = new Map<string, string>(
  Object.entries(daemons.reservedProvisionerKeyNames).map(([name, id]) => [id, name]),
);

function toApiDaemon(
  row: ProvisionerDaemonRow & { key_name: string | null },
  jobs: readonly JobOfDaemon[],
  now: Date,
): daemons.ProvisionerDaemon {
  const current = jobs.find(({ is_current }) => is_current);
  const previous = jobs.find(({ is_current }) => !is_current);
  const isOffline =
    row.last_seen_at === null || now.getTime() - row.last_seen_at.getTime() > daemons.daemonOfflineAfterMs;
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
    status: isOffline ? "offline" : current ? "busy" : "idle",
    current_job: current ? toApiDaemonJob(current) : null,
    previous_job: previous ? toApiDaemonJob(previous) : null,
  };
}

function toApiDaemonJob(job: JobOfDaemon): daemons.ProvisionerDaemonJob {
  const { id, status, template_name, template_icon, template_display_name } = job;
  return { id, status, template_name, template_icon, template_display_name };
}
