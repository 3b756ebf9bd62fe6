import { z } from "zod";
import { NameValue, Response, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { JobLogsQuery, MatchedProvisioners, ProvisionerJob, ProvisionerJobLog } from "./provisioner-jobs.ts";
import { defineRoute } from "./route.ts";
import { AgentScriptStatus, WorkspaceAgent } from "./workspace-agents.ts";
import { WorkspaceTransition } from "./workspace-transition.ts";

export const WorkspaceStatus = z.enum([
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "failed",
  "canceling",
  "canceled",
  "deleting",
  "deleted",
]);
export type WorkspaceStatus = z.infer<typeof WorkspaceStatus>;

/** Reasons that a client may give for a build; the others are the server's. */
export const clientBuildReasons = [
  "dashboard",
  "cli",
  "ssh_connection",
  "vscode_connection",
  "jetbrains_connection",
] as const;

export const BuildReason = z.enum([
  "initiator",
  "autostart",
  "autostop",
  "dormancy",
  "autodelete",
  ...clientBuildReasons,
]);
export type BuildReason = z.infer<typeof BuildReason>;

export const WorkspaceResource = named(
  "WorkspaceResource",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    job_id: Uuid,
    workspace_transition: WorkspaceTransition,
    type: z.string(),
    name: z.string(),
    hide: z.boolean(),
    icon: z.string(),
    agents: z.array(WorkspaceAgent).optional(),
    metadata: z.array(z.object({ key: z.string(), value: z.string(), sensitive: z.boolean() })).optional(),
    daily_cost: z.number().int(),
  }),
);
export type WorkspaceResource = z.infer<typeof WorkspaceResource>;

export const WorkspaceBuildParameter = NameValue;
export type WorkspaceBuildParameter = z.infer<typeof WorkspaceBuildParameter>;

export const WorkspaceBuild = named(
  "WorkspaceBuild",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
    workspace_id: Uuid,
    workspace_name: z.string(),
    workspace_owner_id: Uuid,
    workspace_owner_name: z.string(),
    workspace_owner_avatar_url: z.string().optional(),
    template_version_id: Uuid,
    template_version_name: z.string(),
    build_number: z.number().int(),
    transition: WorkspaceTransition,
    initiator_id: Uuid,
    initiator_name: z.string(),
    job: ProvisionerJob,
    reason: BuildReason,
    resources: z.array(WorkspaceResource),
    deadline: Timestamp.optional(),
    max_deadline: Timestamp.optional(),
    status: WorkspaceStatus,
    daily_cost: z.number().int(),
    matched_provisioners: MatchedProvisioners.optional(),
    template_version_preset_id: Uuid.nullable(),
    has_external_agent: z.boolean().optional(),
  }),
);
export type WorkspaceBuild = z.infer<typeof WorkspaceBuild>;

export const WorkspaceBuildTimings = named(
  "WorkspaceBuildTimings",
  z.object({
    provisioner_timings: z.array(
      z.object({
        job_id: Uuid,
        started_at: Timestamp,
        ended_at: Timestamp,
        stage: z.enum(["init", "plan", "graph", "apply"]),
        source: z.string(),
        action: z.string(),
        resource: z.string(),
      }),
    ),
    agent_script_timings: z.array(
      z.object({
        started_at: Timestamp,
        ended_at: Timestamp,
        exit_code: z.number().int(),
        stage: z.enum(["start", "stop", "cron"]),
        status: AgentScriptStatus,
        display_name: z.string(),
        workspace_agent_id: Uuid,
        workspace_agent_name: z.string(),
      }),
    ),
    agent_connection_timings: z.array(
      z.object({
        started_at: Timestamp,
        ended_at: Timestamp,
        stage: z.literal("connect"),
        workspace_agent_id: Uuid,
        workspace_agent_name: z.string(),
      }),
    ),
  }),
);
export type WorkspaceBuildTimings = z.infer<typeof WorkspaceBuildTimings>;

const tag = "Builds";

export const getBuild = defineRoute({
  operationId: "getBuild",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild",
  tag,
  summary: "Get a build",
  auth: "user",
  responses: { 200: WorkspaceBuild },
});

export const cancelBuild = defineRoute({
  operationId: "cancelBuild",
  method: "PATCH",
  path: "/workspacebuilds/:workspacebuild/cancel",
  tag,
  summary: "Cancel a build: at once while it is pending, else by interrupting it",
  auth: "user",
  query: z.object({ expect_status: z.enum(["pending", "running"]).optional() }),
  responses: { 200: Response },
  errors: {
    403: "The template does not let users cancel running builds.",
    412: "The build does not have the expected status.",
  },
});

export const getBuildLogs = defineRoute({
  operationId: "getBuildLogs",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/logs",
  tag,
  summary: "Get a build's logs, or with follow a WebSocket of them",
  auth: "user",
  query: JobLogsQuery,
  responses: { 101: null, 200: z.array(ProvisionerJobLog) },
  stream: "websocket",
  message: ProvisionerJobLog,
});

export const getBuildParameters = defineRoute({
  operationId: "getBuildParameters",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/parameters",
  tag,
  summary: "List the parameter values of a build",
  auth: "user",
  responses: { 200: z.array(WorkspaceBuildParameter) },
});

export const getBuildResources = defineRoute({
  operationId: "getBuildResources",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/resources",
  tag,
  summary: "List the resources of a build",
  auth: "user",
  responses: { 200: z.array(WorkspaceResource) },
});

export const getBuildTimings = defineRoute({
  operationId: "getBuildTimings",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/timings",
  tag,
  summary: "Get how long the parts of a build took",
  auth: "user",
  responses: { 200: WorkspaceBuildTimings },
});

export const getBuildState = defineRoute({
  operationId: "getBuildState",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/state",
  tag,
  summary: "Download the Terraform state of a build",
  auth: "user",
  responses: { 200: null },
  stream: "bytes",
});

/** Ours: Coder drops such a state. */
export const getKeptBuildState = defineRoute({
  operationId: "getKeptBuildState",
  method: "GET",
  path: "/workspacebuilds/:workspacebuild/kept-state",
  tag,
  summary: "Download the newest Terraform state of a build that came too late to become the workspace's",
  auth: "user",
  responses: { 200: null },
  errors: { 404: "No state of this build came too late." },
  stream: "bytes",
});

export const updateBuildState = defineRoute({
  operationId: "updateBuildState",
  method: "PUT",
  path: "/workspacebuilds/:workspacebuild/state",
  tag,
  summary: "Replace the Terraform state of a build without building",
  auth: "user",
  body: z.object({ state: z.base64({ error: "must be the state file, base64 encoded." }) }),
  responses: { 204: null },
});
