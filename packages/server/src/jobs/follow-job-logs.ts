import type { jobs } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type { Events } from "../events/events.ts";
import { readJobLogs } from "./read-job-logs.ts";

const PAGE_LINES = 500;
/** A lost event delays lines by this much at most. */
const POLL_MS = 5_000;

/**
 * The lines of a job's log as they come, each once and in order, until the job has ended. The consumer sets the
 * pace: between two pages nothing is held but the number of the last line.
 */
export async function* followJobLogs(
  deps: { db: Db; events: Events },
  jobId: string,
  options: { after?: number | undefined; before?: number | undefined; signal: AbortSignal },
): AsyncGenerator<jobs.ProvisionerJobLog[]> {
  const { db, events } = deps;
  let after = options.after ?? 0;
  let wake = Promise.withResolvers<void>();
  const unsubscribe = events.subscribe("job", jobId, () => wake.resolve());
  const onAbort = () => wake.resolve();
  options.signal.addEventListener("abort", onAbort);
  try {
    while (!options.signal.aborted) {
      wake = Promise.withResolvers<void>();
      // Asked before the lines are read: what a job wrote before it ended is read after.
      const hasEnded = await isCompleted(db, jobId);
      for (;;) {
        const page = await readJobLogs(db, jobId, { after, before: options.before, limit: PAGE_LINES });
        if (page.length > 0) yield page;
        after = page.at(-1)?.id ?? after;
        if (page.length < PAGE_LINES || options.signal.aborted) break;
      }
      if (hasEnded || (options.before !== undefined && after >= options.before - 1)) return;
      const timer = setTimeout(() => wake.resolve(), POLL_MS);
      await wake.promise;
      clearTimeout(timer);
    }
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    unsubscribe();
  }
}

async function isCompleted(db: Db, jobId: string): Promise<boolean> {
  const job = await db
    .selectFrom("provisioner_jobs")
    .select("completed_at")
    .where("id", "=", jobId)
    .executeTakeFirst();
  return job === undefined || job.completed_at !== null;
}
