import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

export type NewJob = {
  organizationId: string;
  initiatorId: string;
  type: ProvisionerJobRow["type"];
  provisioner: ProvisionerJobRow["provisioner"];
  fileId: string;
  input: Record<string, unknown>;
  tags: Record<string, string>;
  /** See job-priority.ts. */
  priority: number;
};

/** Puts a job into the queue, in the caller's transaction, and wakes the organization's daemons when that commits. */
export async function postJob(
  tx: Tx,
  deps: Pick<Deps, "events" | "clock">,
  job: NewJob,
): Promise<ProvisionerJobRow> {
  const now = deps.clock.now();
  const row = await tx
    .insertInto("provisioner_jobs")
    .values({
      id: randomUUID(),
      organization_id: job.organizationId,
      initiator_id: job.initiatorId,
      type: job.type,
      provisioner: job.provisioner,
      file_id: job.fileId,
      input: JSON.stringify(job.input),
      tags: JSON.stringify(job.tags),
      priority: job.priority,
      created_at: now,
      // How long it waits is counted from here, on the database's clock: the reaper knows no other.
      updated_at: sql<Date>`now()`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await deps.events.publish(tx, "job_posted", job.organizationId);
  return row;
}
