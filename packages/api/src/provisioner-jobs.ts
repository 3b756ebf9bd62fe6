import { z } from "zod";
import { QueryBool, QueryInt, QueryTags, queryList, Tags, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";
import { WorkspaceTransition } from "./workspace-transition.ts";

export const ProvisionerJobStatus = z.enum([
  "pending",
  "running",
  "succeeded",
  "canceling",
  "canceled",
  "failed",
  "unknown",
]);
export type ProvisionerJobStatus = z.infer<typeof ProvisionerJobStatus>;

export const ProvisionerJobType = z.enum([
  "template_version_import",
  "workspace_build",
  "template_version_dry_run",
]);
export type ProvisionerJobType = z.infer<typeof ProvisionerJobType>;

export const JobErrorCode = z.enum(["REQUIRED_TEMPLATE_VARIABLES", "INSUFFICIENT_QUOTA"]);
export type JobErrorCode = z.infer<typeof JobErrorCode>;

export const ProvisionerType = z.enum(["terraform", "echo"]);
export type ProvisionerType = z.infer<typeof ProvisionerType>;

export const PendingCode = z.enum([
  // No daemon is connected to the organization.
  "no_daemons",
  // Daemons are connected, and none of them may run the job.
  "no_match",
  // Those that may run it are not connected at the moment.
  "offline",
  // Those that may run it have other jobs.
  "busy",
  // One has just become free.
  "taking",
]);
export type PendingCode = z.infer<typeof PendingCode>;

/** Why nobody works on a job yet. */
export const PendingReason = named(
  "PendingReason",
  z.object({
    code: PendingCode,
    message: z.string(),
    // With `no_match`: the daemon that lacks least, and what it would have to have.
    nearest: z.object({ id: Uuid, name: z.string(), missing: Tags }).optional(),
    // Daemons that may run the job.
    matching: z.object({
      count: z.number().int(),
      available: z.number().int(),
      busy: z.number().int(),
      // The one that was connected last, when none is.
      last_seen: z.object({ name: z.string(), at: Timestamp.optional() }).optional(),
    }),
    // Among the jobs that the same daemons could run, from 1; 0 when none of them is connected.
    position: z.number().int(),
    size: z.number().int(),
    // How long until it begins, judged by recent jobs of its kind; absent where nobody can know.
    estimate_ms: z.number().int().optional(),
  }),
);
export type PendingReason = z.infer<typeof PendingReason>;

export const ProvisionerJob = named(
  "ProvisionerJob",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    started_at: Timestamp.optional(),
    completed_at: Timestamp.optional(),
    canceled_at: Timestamp.optional(),
    error: z.string().optional(),
    error_code: JobErrorCode.optional(),
    status: ProvisionerJobStatus,
    worker_id: Uuid.optional(),
    worker_name: z.string().optional(),
    file_id: Uuid,
    tags: Tags,
    queue_position: z.number().int(),
    queue_size: z.number().int(),
    organization_id: Uuid,
    initiator_id: Uuid,
    input: z.object({
      template_version_id: Uuid.optional(),
      workspace_build_id: Uuid.optional(),
      error: z.string().optional(),
    }),
    type: ProvisionerJobType,
    available_workers: z.array(Uuid).optional(),
    metadata: z.object({
      template_version_name: z.string(),
      template_id: Uuid,
      template_name: z.string(),
      template_display_name: z.string(),
      template_icon: z.string(),
      workspace_id: Uuid.optional(),
      workspace_name: z.string().optional(),
      workspace_build_transition: WorkspaceTransition.optional(),
    }),
    logs_overflowed: z.boolean(),
    // Additions of ours: why a pending job is not taken, in words for people and as data.
    pending_reason: z.string().optional(),
    pending: PendingReason.optional(),
  }),
);
export type ProvisionerJob = z.infer<typeof ProvisionerJob>;

export const LogLevel = z.enum(["trace", "debug", "info", "warn", "error"]);
export type LogLevel = z.infer<typeof LogLevel>;

export const LogSource = z.enum(["provisioner_daemon", "provisioner"]);
export type LogSource = z.infer<typeof LogSource>;

export const ProvisionerJobLog = named(
  "ProvisionerJobLog",
  z.object({
    id: z.number().int(),
    created_at: Timestamp,
    log_source: LogSource,
    log_level: LogLevel,
    stage: z.string(),
    output: z.string(),
  }),
);
export type ProvisionerJobLog = z.infer<typeof ProvisionerJobLog>;

/**
 * With `follow` the route is a WebSocket with one log per text message; it closes when the job has ended. Who accepts
 * `text/event-stream` instead gets one event per log, with its number as the event's id.
 * `format=text` answers plain lines, and does not go with `follow`.
 */
export const JobLogsQuery = z.object({
  follow: QueryBool.optional(),
  after: QueryInt.optional(),
  before: QueryInt.optional(),
  format: z.enum(["json", "text"]).optional(),
});

export const MatchedProvisioners = named(
  "MatchedProvisioners",
  z.object({
    count: z.number().int(),
    available: z.number().int(),
    most_recently_seen: Timestamp.optional(),
  }),
);
export type MatchedProvisioners = z.infer<typeof MatchedProvisioners>;

const tag = "Provisioning";

export const getJobs = defineRoute({
  operationId: "getProvisionerJobs",
  method: "GET",
  path: "/organizations/:organization/provisionerjobs",
  tag,
  summary: "List provisioner jobs",
  auth: "user",
  query: z.object({
    limit: QueryInt.optional(),
    ids: queryList(Uuid).optional(),
    status: queryList(ProvisionerJobStatus).optional(),
    tags: QueryTags.optional(),
    initiator: z.string().optional(),
  }),
  responses: { 200: z.array(ProvisionerJob) },
});

export const getJob = defineRoute({
  operationId: "getProvisionerJob",
  method: "GET",
  path: "/organizations/:organization/provisionerjobs/:job",
  tag,
  summary: "Get a provisioner job",
  auth: "user",
  responses: { 200: ProvisionerJob },
});
