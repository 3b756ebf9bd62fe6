import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recentDurations } from "./recent-durations.ts";
import { createQueueFixture, type QueueFixture } from "./testing/queue-fixture.ts";

let fixture: QueueFixture;
beforeAll(async () => {
  fixture = await createQueueFixture();
});
afterAll(() => fixture.close());

async function end(jobId: string, seconds: number, error: string | null = null): Promise<void> {
  await fixture.deps.db
    .updateTable("provisioner_jobs")
    .set({
      started_at: sql<Date>`now() - ${seconds} * interval '1 second'`,
      completed_at: sql<Date>`now()`,
      error,
    })
    .where("id", "=", jobId)
    .execute();
}

/** Builds of a new template that took these times. */
async function addTemplate(seconds: number[]): Promise<string> {
  const { job, versionId } = await fixture.postImport(Buffer.from(String(seconds)));
  await end(job.id, 30);
  const templateId = await fixture.addTemplate(versionId);
  for (const each of seconds) {
    const build = await fixture.postBuild(await fixture.addWorkspace(templateId), versionId);
    await end(build.job.id, each);
  }
  return templateId;
}

test("how long a job will take: as those of its template did, else as those of its type", async () => {
  const job = { organization_id: fixture.organizationId, type: "workspace_build" } as const;
  const before = await recentDurations(fixture.deps.db, [fixture.organizationId]);
  expect(before.ofJob(job, null)).toBeNull();

  const quick = await addTemplate([10, 20, 30]);
  const slow = await addTemplate([100, 300, 1_000, 400]);
  const empty = await addTemplate([]);
  const failed = await fixture.postJob();
  await end(failed.id, 5_000, "no");
  const durations = await recentDurations(fixture.deps.db, [fixture.organizationId]);
  expect(durations.ofJob(job, quick)).toBe(20_000);
  expect(durations.ofJob(job, slow)).toBe(350_000);
  // The median of all seven.
  expect(durations.ofJob(job, empty)).toBe(100_000);
  expect(durations.ofJob({ ...job, type: "template_version_import" }, null)).toBe(30_000);
  expect(durations.ofJob({ ...job, type: "template_version_dry_run" }, quick)).toBeNull();
});
