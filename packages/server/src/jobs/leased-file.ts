import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import { type LeaseRef, leaseLost } from "./lease.ts";

/** A file that the lease's job needs: the archive of its template version, or that of the version's modules. */
export async function readLeasedFile(db: Db, lease: LeaseRef, fileId: string): Promise<Uint8Array> {
  const { rows } = await sql<{ data: Uint8Array }>`
    select file.data
    from provisioner_jobs job
    left join workspace_builds build on build.job_id = job.id
    left join template_versions version
      on version.id = coalesce(build.template_version_id, (job.input ->> 'template_version_id')::uuid)
    join files file on file.id in (job.file_id, version.modules_file_id)
    where job.id = ${lease.jobId} and job.epoch = ${lease.epoch} and job.daemon_id = ${lease.daemonId}
      and job.completed_at is null and file.id = ${fileId}`.execute(db);
  const [file] = rows;
  if (file === undefined) throw leaseLost();
  return file.data;
}
