import { z } from "zod";
import {
  emptyOr,
  list,
  Name,
  NameValue,
  OptionalUuid,
  optional,
  optionalEnum,
  pagination,
  QueryBool,
  Timestamp,
  Uuid,
} from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";
import { WorkspaceAppStatus } from "./workspace-agents.ts";
import { clientBuildReasons, WorkspaceBuild, WorkspaceBuildTimings } from "./workspace-builds.ts";
import { WorkspaceTransition } from "./workspace-transition.ts";

export const AutomaticUpdates = z.enum(["always", "never"]);
export type AutomaticUpdates = z.infer<typeof AutomaticUpdates>;

export const SharedWorkspaceActor = named(
  "SharedWorkspaceActor",
  z.object({
    id: Uuid,
    actor_type: z.enum(["user", "group"]),
    name: z.string(),
    avatar_url: z.string().optional(),
    roles: z.array(z.enum(["use", "admin"])),
  }),
);

export const Workspace = named(
  "Workspace",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
    owner_id: Uuid,
    owner_name: z.string(),
    owner_avatar_url: z.string(),
    organization_id: Uuid,
    organization_name: z.string(),
    template_id: Uuid,
    template_name: z.string(),
    template_display_name: z.string(),
    template_icon: z.string(),
    template_allow_user_cancel_workspace_jobs: z.boolean(),
    template_active_version_id: Uuid,
    template_require_active_version: z.boolean(),
    template_use_classic_parameter_flow: z.boolean(),
    latest_build: WorkspaceBuild,
    latest_app_status: WorkspaceAppStatus.nullable(),
    outdated: z.boolean(),
    name: z.string(),
    autostart_schedule: z.string().optional(),
    ttl_ms: z.number().int().optional(),
    last_used_at: Timestamp,
    deleting_at: Timestamp.nullable(),
    dormant_at: Timestamp.nullable(),
    health: z.object({ healthy: z.boolean(), failing_agents: z.array(Uuid) }),
    automatic_updates: AutomaticUpdates,
    allow_renames: z.boolean(),
    favorite: z.boolean(),
    next_start_at: Timestamp.nullable(),
    is_prebuild: z.boolean(),
    shared_with: z.array(SharedWorkspaceActor).optional(),
  }),
);
export type Workspace = z.infer<typeof Workspace>;

export const WorkspacesResponse = named(
  "WorkspacesResponse",
  z.object({ workspaces: z.array(Workspace), count: z.number().int() }),
);
export type WorkspacesResponse = z.infer<typeof WorkspacesResponse>;

export const CreateWorkspaceRequest = named(
  "CreateWorkspaceRequest",
  z
    .object({
      template_id: OptionalUuid,
      template_version_id: OptionalUuid,
      name: Name,
      autostart_schedule: optional(z.string().max(256)),
      ttl_ms: optional(z.number().int().min(0)),
      rich_parameter_values: list(NameValue),
      automatic_updates: optionalEnum(AutomaticUpdates.options),
      template_version_preset_id: OptionalUuid,
    })
    .check((ctx) => {
      const { template_id, template_version_id } = ctx.value;
      if (Boolean(template_id) === Boolean(template_version_id)) {
        ctx.issues.push({
          code: "custom",
          input: template_id,
          path: ["template_id"],
          message: `${template_id ? "and template_version_id exclude each other" : "or template_version_id is required"}: give exactly one.`,
        });
      }
    }),
);
export type CreateWorkspaceRequest = z.infer<typeof CreateWorkspaceRequest>;

export const CreateWorkspaceBuildRequest = named(
  "CreateWorkspaceBuildRequest",
  z.object({
    transition: WorkspaceTransition,
    template_version_id: OptionalUuid,
    dry_run: optional(z.boolean()),
    state: optional(z.base64({ error: "must be a Terraform state file, base64 encoded." })),
    orphan: optional(z.boolean()),
    rich_parameter_values: list(NameValue),
    log_level: optionalEnum(["debug"]),
    template_version_preset_id: OptionalUuid,
    reason: optionalEnum(clientBuildReasons),
    // A queued restart: the build itself must be a stop.
    on_success: optional(
      z.object({
        transition: z.literal("start"),
        template_version_id: OptionalUuid,
        rich_parameter_values: list(NameValue),
        template_version_preset_id: OptionalUuid,
      }),
    ),
  }),
);
export type CreateWorkspaceBuildRequest = z.infer<typeof CreateWorkspaceBuildRequest>;

export const PostWorkspaceUsageRequest = named(
  "PostWorkspaceUsageRequest",
  z.object({ agent_id: OptionalUuid, app_name: optional(z.string().max(64)) }).nullish(),
);

export const ResolveAutostartResponse = named(
  "ResolveAutostartResponse",
  z.object({ parameter_mismatch: z.boolean() }),
);
export type ResolveAutostartResponse = z.infer<typeof ResolveAutostartResponse>;

const tag = "Workspaces";

export const getWorkspaces = defineRoute({
  operationId: "getWorkspaces",
  method: "GET",
  path: "/workspaces",
  tag,
  summary: "List workspaces",
  auth: "user",
  query: z.object({ q: z.string().optional(), ...pagination }),
  responses: { 200: WorkspacesResponse },
});

const createErrors = {
  404: "The template does not exist or is not for the caller.",
  409: "The owner has a workspace of this name.",
};

export const createWorkspace = defineRoute({
  operationId: "createWorkspace",
  method: "POST",
  path: "/users/:user/workspaces",
  tag,
  summary: "Create a workspace and queue its first build",
  auth: "user",
  body: CreateWorkspaceRequest,
  responses: { 201: Workspace },
  errors: createErrors,
});

export const createOrganizationWorkspace = defineRoute({
  operationId: "createOrganizationWorkspace",
  method: "POST",
  path: "/organizations/:organization/members/:user/workspaces",
  tag,
  summary: "Create a workspace (older address)",
  auth: "user",
  body: CreateWorkspaceRequest,
  responses: { 201: Workspace },
  errors: createErrors,
});

const IncludeDeleted = z.object({ include_deleted: QueryBool.optional() });

export const getWorkspaceByName = defineRoute({
  operationId: "getWorkspaceByName",
  method: "GET",
  path: "/users/:user/workspace/:workspacename",
  tag,
  summary: "Get a workspace by owner and name",
  auth: "user",
  query: IncludeDeleted,
  responses: { 200: Workspace },
});

export const getBuildByNumber = defineRoute({
  operationId: "getBuildByNumber",
  method: "GET",
  path: "/users/:user/workspace/:workspacename/builds/:buildnumber",
  tag,
  summary: "Get a build by its number",
  auth: "user",
  responses: { 200: WorkspaceBuild },
});

export const getWorkspace = defineRoute({
  operationId: "getWorkspace",
  method: "GET",
  path: "/workspaces/:workspace",
  tag,
  summary: "Get a workspace",
  auth: "user",
  query: IncludeDeleted.extend({ include_related: QueryBool.optional() }),
  responses: { 200: Workspace },
  errors: { 410: "The workspace is deleted." },
});

export const updateWorkspace = defineRoute({
  operationId: "updateWorkspace",
  method: "PATCH",
  path: "/workspaces/:workspace",
  tag,
  summary: "Rename a workspace",
  auth: "user",
  body: z.object({ name: optional(emptyOr(Name)) }),
  responses: { 204: null },
  errors: { 409: "The owner has a workspace of this name." },
});

export const favoriteWorkspace = defineRoute({
  operationId: "favoriteWorkspace",
  method: "PUT",
  path: "/workspaces/:workspace/favorite",
  tag,
  summary: "Mark a workspace of one's own as favourite",
  auth: "user",
  responses: { 204: null },
});

export const unfavoriteWorkspace = defineRoute({
  operationId: "unfavoriteWorkspace",
  method: "DELETE",
  path: "/workspaces/:workspace/favorite",
  tag,
  summary: "Take back a favourite",
  auth: "user",
  responses: { 204: null },
});

export const updateAutomaticUpdates = defineRoute({
  operationId: "updateAutomaticUpdates",
  method: "PUT",
  path: "/workspaces/:workspace/autoupdates",
  tag,
  summary: "Choose whether starts move to the active version",
  auth: "user",
  body: z.object({ automatic_updates: AutomaticUpdates }),
  responses: { 204: null },
});

export const resolveAutostart = defineRoute({
  operationId: "resolveAutostart",
  method: "GET",
  path: "/workspaces/:workspace/resolve-autostart",
  tag,
  summary: "Tell whether an automatic start would lack values for parameters of the active version",
  auth: "user",
  responses: { 200: ResolveAutostartResponse },
});

export const postWorkspaceUsage = defineRoute({
  operationId: "postWorkspaceUsage",
  method: "POST",
  path: "/workspaces/:workspace/usage",
  tag,
  summary: "Report that a workspace is being used",
  auth: "user",
  body: PostWorkspaceUsageRequest,
  responses: { 204: null },
});

export const getWorkspaceTimings = defineRoute({
  operationId: "getWorkspaceTimings",
  method: "GET",
  path: "/workspaces/:workspace/timings",
  tag,
  summary: "Get how long the parts of the latest build took",
  auth: "user",
  responses: { 200: WorkspaceBuildTimings },
});

export const getWorkspaceBuilds = defineRoute({
  operationId: "getWorkspaceBuilds",
  method: "GET",
  path: "/workspaces/:workspace/builds",
  tag,
  summary: "List a workspace's builds, newest first",
  auth: "user",
  query: z.object({ ...pagination, since: Timestamp.optional() }),
  responses: { 200: z.array(WorkspaceBuild) },
});

export const createWorkspaceBuild = defineRoute({
  operationId: "createWorkspaceBuild",
  method: "POST",
  path: "/workspaces/:workspace/builds",
  tag,
  summary: "Start, stop or delete a workspace",
  auth: "user",
  body: CreateWorkspaceBuildRequest,
  responses: { 201: WorkspaceBuild },
  errors: {
    403: "Custom state and orphaning are for managers of the template.",
    406: "The version's import has not finished.",
    409: "Another build of the workspace is active, or the workspace is deleted.",
  },
});

export const watchWorkspace = defineRoute({
  operationId: "watchWorkspace",
  method: "GET",
  path: "/workspaces/:workspace/watch",
  tag,
  summary: "Watch a workspace as server-sent events",
  auth: "user",
  responses: { 200: null },
  stream: "sse",
  message: Workspace,
});

export const WatchMessage = z.object({ type: z.enum(["data", "ping", "error"]), data: z.unknown() });

export const watchWorkspaceWs = defineRoute({
  operationId: "watchWorkspaceWs",
  method: "GET",
  path: "/workspaces/:workspace/watch-ws",
  tag,
  summary: "Watch a workspace over a WebSocket",
  auth: "user",
  responses: { 101: null },
  stream: "websocket",
  message: WatchMessage,
});
