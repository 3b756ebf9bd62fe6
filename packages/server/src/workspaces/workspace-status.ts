import { type Expression, sql } from "kysely";

export type Transition = "start" | "stop" | "delete";
export type JobStatus = "pending" | "running" | "succeeded" | "canceling" | "canceled" | "failed";
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

/** The same rule in SQL, over a build's transition and its job's status. */
export function workspaceStatusSql(transition: Expression<string>, job: Expression<string>) {
  return sql<WorkspaceStatus>`case ${job}
    when 'running' then case ${transition} when 'start' then 'starting' when 'stop' then 'stopping' else 'deleting' end
    when 'succeeded' then case ${transition} when 'start' then 'running' when 'stop' then 'stopped' else 'deleted' end
    else ${job} end`;
}
