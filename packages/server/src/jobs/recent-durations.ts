import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";

/** As many of an organization's last jobs are looked at. */
const RECENT_JOBS = 500;

/** How long jobs took lately. */
export type RecentDurations = {
  /** The median of jobs of this type and template, or of this type; null when none succeeded lately. */
  ofJob(
    job: Pick<ProvisionerJobRow, "organization_id" | "type">,
    templateId: string | null | undefined,
  ): number | null;
};

/** Reads how long jobs of these organizations took lately, from their start to their success. */
export async function recentDurations(
  db: Db | Tx,
  organizationIds: readonly string[],
): Promise<RecentDurations> {
  const { rows } = await sql<{
    organization_id: string;
    type: string;
    template_id: string | null;
    isOfAll: boolean;
    ms: number;
  }>`
    select job.organization_id, job.type, version.template_id, grouping(version.template_id) = 1 as "isOfAll",
      percentile_cont(0.5) within group (order by extract(epoch from job.completed_at - job.started_at) * 1000) as ms
    from unnest(${organizationIds}::uuid[]) organization (id)
    cross join lateral (
      select * from provisioner_jobs where organization_id = organization.id
      order by created_at desc limit ${RECENT_JOBS}) job
    left join workspace_builds build on build.job_id = job.id
    left join template_versions version on version.id =
      coalesce(build.template_version_id, (job.input ->> 'template_version_id')::uuid)
    where job.status = 'succeeded' and job.started_at is not null
    group by grouping sets (
      (job.organization_id, job.type, version.template_id), (job.organization_id, job.type))`.execute(db);
  return {
    ofJob({ organization_id, type }, templateId) {
      const ofType = rows.filter((row) => row.organization_id === organization_id && row.type === type);
      const found =
        ofType.find((row) => !row.isOfAll && templateId && row.template_id === templateId) ??
        ofType.find((row) => row.isOfAll);
      return found?.ms ?? null;
    },
  };
}
