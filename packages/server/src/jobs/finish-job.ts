import { sql } from "kysely";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import type { EventTopic } from "../events/events.ts";
import { buildIdOf } from "./upload-state.ts";

export type JobOutcome = { error?: string; errorCode?: string };

/**
 * Ends a job in the caller's transaction, with everything that depends on its end: the build is finished and
 * its workspace may have another one, and whoever watches is told. The time is the database's, as that of its start.
 */
export async function finishJob(
  tx: Tx,
  deps: Pick<Deps, "events">,
  job: Pick<ProvisionerJobRow, "id" | "type" | "input" | "organization_id">,
  outcome: JobOutcome,
): Promise<void> {
  const now = sql<Date>`statement_timestamp()`;
  await tx
    .updateTable("provisioner_jobs")
    .set({
      completed_at: now,
      updated_at: now,
      lease_until: null,
      error: outcome.error ?? null,
      error_code: outcome.errorCode || null,
      // A job that never ran began and ended now.
      started_at: sql<Date>`case when ${outcome.error ?? null}::text is null then started_at else coalesce(started_at, ${now}) end`,
    })
    .where("id", "=", job.id)
    .execute();
  const events: [EventTopic, string][] = [["job", job.id]];
  const buildId = buildIdOf(job);
  if (buildId !== null) {
    const build = await tx
      .updateTable("workspace_builds")
      .set({ finished_at: now, updated_at: now })
      .where("id", "=", buildId)
      .returning("workspace_id")
      .executeTakeFirst();
    if (build !== undefined) events.push(["workspace", build.workspace_id]);
  }
  await deps.events.publishAll(tx, events);
}
