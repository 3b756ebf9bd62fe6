import { common, type jobs, type templateVersions } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type { TemplateVersionRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { matchedProvisioners } from "../jobs/matched-provisioners.ts";
import { toApiJobs } from "../jobs/to-api-jobs.ts";

/** Versions as the API shows them, in the order given; the number of queries does not depend on theirs. */
export async function toApiVersions(
  db: Db,
  rows: readonly TemplateVersionRow[],
): Promise<templateVersions.TemplateVersion[]> {
  if (rows.length === 0) return [];
  const [jobRows, users] = await Promise.all([
    // With what the import has found, in one statement: a job that has ended never stands beside a version from before.
    db
      .selectFrom("provisioner_jobs")
      .innerJoin("template_versions", "template_versions.job_id", "provisioner_jobs.id")
      .selectAll("provisioner_jobs")
      .select(["template_versions.warnings", "template_versions.has_external_agent"])
      .where(
        "template_versions.id",
        "in",
        rows.map((row) => row.id),
      )
      .execute(),
    db
      .selectFrom("users")
      .select(["id", "username", "name", "avatar_url"])
      .where(
        "id",
        "in",
        rows.map((row) => row.created_by),
      )
      .execute(),
  ]);
  const apiJobs = await toApiJobs(db, jobRows);
  const found = new Map(jobRows.map((job) => [job.id, job]));
  const usersById = new Map(users.map((user) => [user.id, user]));
  return rows.map((row) => {
    const job = apiJobs.get(row.job_id);
    const imported = found.get(row.job_id);
    const creator = usersById.get(row.created_by);
    // Foreign keys hold both.
    if (!job || !imported || !creator) throw new Error(`The template version ${row.id} lost its job.`);
    const requested = common.Tags.safeParse(imported.input.requested_tags);
    return {
      id: row.id,
      ...(row.template_id ? { template_id: row.template_id } : {}),
      organization_id: row.organization_id,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      name: row.name,
      message: row.message,
      job,
      ...(requested.success ? { requested_tags: requested.data } : {}),
      readme: row.readme,
      created_by: creator,
      archived: row.archived,
      ...(imported.warnings.length > 0 ? { warnings: imported.warnings } : {}),
      has_external_agent: imported.has_external_agent,
    };
  });
}

/** One version, with how many daemons could take its import. */
export async function toApiVersion(
  db: Db,
  deps: Deps,
  row: TemplateVersionRow,
): Promise<templateVersions.TemplateVersion> {
  const [version] = await toApiVersions(db, [row]);
  if (!version) throw new Error(`The template version ${row.id} could not be shown.`);
  return withMatched(db, deps, version, version.job);
}

/** Adds how many daemons could take the job: what tells a person that nothing will happen by itself. */
export async function withMatched<T extends object>(
  db: Db,
  deps: Deps,
  value: T,
  job: jobs.ProvisionerJob,
): Promise<T & { matched_provisioners: jobs.MatchedProvisioners }> {
  return {
    ...value,
    matched_provisioners: await matchedProvisioners(db, deps, job.organization_id, job.tags),
  };
}
