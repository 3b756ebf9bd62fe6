import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";

export const transitions = ["start", "stop", "delete"] as const;
export const jobStatuses = ["pending", "running", "succeeded", "canceling", "canceled", "failed"] as const;
export type Transition = (typeof transitions)[number];
export type JobStatus = (typeof jobStatuses)[number];
export type WorkspaceStatus =
  | "pending"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "failed"
  | "canceling"
  | "canceled"
  | "deleting"
  | "deleted";

const whileRunning = { start: "starting", stop: "stopping", delete: "deleting" } as const;
const onceSucceeded = { start: "running", stop: "stopped", delete: "deleted" } as const;

/** A workspace's status: its last build's transition and how far that build's job is (provisioning.md 10.2). */
export function workspaceStatus(transition: Transition, job: JobStatus): WorkspaceStatus {
  if (job === "running") return whileRunning[transition];
  if (job === "succeeded") return onceSucceeded[transition];
  return job;
}

/**
 * The same rule in SQL: whether a build's transition and its job's status make one of these. Written out as plain
 * comparisons, of which Postgres knows how many rows fulfil them, and plans accordingly.
 */
export function workspaceStatusIn(
  wanted: readonly WorkspaceStatus[],
  transition: Expression<string>,
  job: Expression<string>,
): RawBuilder<SqlBool> {
  const pairs = transitions.flatMap((each) =>
    jobStatuses
      .filter((status) => wanted.includes(workspaceStatus(each, status)))
      .map((status) => sql<SqlBool>`(${transition} = ${each} and ${job} = ${status})`),
  );
  return pairs.length === 0 ? sql`false` : sql`(${sql.join(pairs, sql` or `)})`;
}
