import type { jobs } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type { ProvisionerJobLogRow } from "../db/schema.ts";

export type LogRange = { after?: number | undefined; before?: number | undefined; limit?: number };

/** Lines of a job's log in their order. `id` is the line's number: it only ever grows. */
export async function readJobLogs(
  db: Db,
  jobId: string,
  range: LogRange = {},
): Promise<jobs.ProvisionerJobLog[]> {
  let query = db.selectFrom("provisioner_job_logs").selectAll().where("job_id", "=", jobId).orderBy("seq");
  if (range.after !== undefined) query = query.where("seq", ">", range.after);
  if (range.before !== undefined) query = query.where("seq", "<", range.before);
  if (range.limit !== undefined) query = query.limit(range.limit);
  return (await query.execute()).map(toApiLog);
}

function toApiLog(row: ProvisionerJobLogRow): jobs.ProvisionerJobLog {
  return {
    id: row.seq,
    created_at: row.created_at.toISOString(),
    log_source: row.source,
    log_level: row.level,
    stage: row.stage,
    output: row.output,
  };
}
