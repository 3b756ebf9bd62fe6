import type { Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { ProvisionerJobRow, TemplateVersionRow } from "../db/schema.ts";
import { ApiError } from "../http/api-error.ts";
import { findVersion } from "./find-template.ts";

export type ImportedVersion = { version: TemplateVersionRow; job: ProvisionerJobRow };

/** The version with its import job, for what imports find out; answers 425 while that is under way. */
export async function findImportedVersion(db: Db, subject: Subject, id: string): Promise<ImportedVersion> {
  const { version } = await findVersion(db, subject, id);
  const job = await db
    .selectFrom("provisioner_jobs")
    .selectAll()
    .where("id", "=", version.job_id)
    .executeTakeFirstOrThrow();
  if (job.completed_at) return { version, job };
  throw new ApiError(
    "too_early",
    `The import of the version ${version.name} is ${job.status}. Wait until it has ended.`,
  );
}
