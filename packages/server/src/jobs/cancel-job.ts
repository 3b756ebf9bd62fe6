import { sql } from "kysely";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import { finishJob } from "./finish-job.ts";

/**
 * Cancels a job: one that waits ends at once, one that runs is interrupted when its daemon next renews its
 * lease (provisioning.md §1.9).
 */
export async function cancelJob(
  deps: Pick<Deps, "db" | "events">,
  jobId: string,
  options: { expectStatus?: "pending" | "running" | undefined } = {},
): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    const job = await tx
      .selectFrom("provisioner_jobs")
      .selectAll()
      .where("id", "=", jobId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (job.completed_at !== null) throw new ApiError("bad_request", "The job has already completed.");
    if (job.canceled_at !== null) {
      throw new ApiError("bad_request", "The job was canceled already and is about to end.");
    }
    const status = job.started_at === null ? "pending" : "running";
    if (options.expectStatus !== undefined && options.expectStatus !== status) {
      throw new ApiError("precondition_failed", `The job is ${status}, not ${options.expectStatus}.`);
    }
    const now = sql<Date>`statement_timestamp()`;
    await tx
      .updateTable("provisioner_jobs")
      .set({ canceled_at: now, updated_at: now })
      .where("id", "=", jobId)
      .execute();
    if (status === "pending") await finishJob(tx, deps, job, {});
    else await deps.events.publish(tx, "job", jobId);
  });
}
