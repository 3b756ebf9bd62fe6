import { z } from "zod";
import { Int64, optional, QueryBool, QueryInt, Response, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { maxAgentLogLines } from "./constants.ts";
import { LogLevel } from "./provisioner-jobs.ts";
import { defineRoute } from "./route.ts";
import { PortShareLevel } from "./templates.ts";

export const AgentStatus = z.enum(["connecting", "connected", "disconnected", "timeout"]);
export type AgentStatus = z.infer<typeof AgentStatus>;

export const AgentLifecycle = z.enum([
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
]);
export type AgentLifecycle = z.infer<typeof AgentLifecycle>;

export const AgentScriptStatus = z.enum(["ok", "exit_failure", "timed_out", "pipes_left_open"]);
export type AgentScriptStatus = z.infer<typeof AgentScriptStatus>;

export const AppHealth = z.enum(["disabled", "initializing", "healthy", "unhealthy"]);
export type AppHealth = z.infer<typeof AppHealth>;

export const AppStatusState = z.enum(["working", "idle", "complete", "failure"]);
export type AppStatusState = z.infer<typeof AppStatusState>;

export const DisplayApp = z.enum([
  "vscode",
  "vscode_insiders",
  "web_terminal",
  "ssh_helper",
  "port_forwarding_helper",
]);
export type DisplayApp = z.infer<typeof DisplayApp>;

export const WorkspaceAppStatus = named(
  "WorkspaceAppStatus",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    workspace_id: Uuid,
    agent_id: Uuid,
    app_id: Uuid,
    state: AppStatusState,
    message: z.string(),
    uri: z.string(),
    icon: z.string(),
    needs_user_attention: z.boolean(),
  }),
);
export type WorkspaceAppStatus = z.infer<typeof WorkspaceAppStatus>;

export const WorkspaceApp = named(
  "WorkspaceApp",
  z.object({
    id: Uuid,
    url: z.string().optional(),
    external: z.boolean(),
    slug: z.string(),
    display_name: z.string().optional(),
    command: z.string().optional(),
    icon: z.string().optional(),
    subdomain: z.boolean(),
    subdomain_name: z.string().optional(),
    sharing_level: PortShareLevel,
    healthcheck: z
      .object({ url: z.string(), interval: z.number().int(), threshold: z.number().int() })
      .optional(),
    health: AppHealth,
    group: z.string().optional(),
    hidden: z.boolean(),
    open_in: z.enum(["slim-window", "tab"]),
    tooltip: z.string().optional(),
    statuses: z.array(WorkspaceAppStatus),
  }),
);
export type WorkspaceApp = z.infer<typeof WorkspaceApp>;

export const WorkspaceAgentScript = named(
  "WorkspaceAgentScript",
  z.object({
    id: Uuid,
    log_source_id: Uuid,
    log_path: z.string(),
    script: z.string(),
    cron: z.string(),
    run_on_start: z.boolean(),
    run_on_stop: z.boolean(),
    start_blocks_login: z.boolean(),
    // Nanoseconds, as Go writes durations.
    timeout: Int64,
    display_name: z.string(),
    exit_code: z.number().int().optional(),
    status: AgentScriptStatus.optional(),
  }),
);
export type WorkspaceAgentScript = z.infer<typeof WorkspaceAgentScript>;

export const WorkspaceAgentLogSource = named(
  "WorkspaceAgentLogSource",
  z.object({
    workspace_agent_id: Uuid,
    id: Uuid,
    created_at: Timestamp,
    display_name: z.string(),
    icon: z.string(),
  }),
);
export type WorkspaceAgentLogSource = z.infer<typeof WorkspaceAgentLogSource>;

export const WorkspaceAgentMetadata = named(
  "WorkspaceAgentMetadata",
  z.object({
    // `age` counts seconds since `collected_at`; `interval` and `timeout` are seconds.
    result: z.object({
      collected_at: Timestamp,
      age: z.number().int(),
      value: z.string(),
      error: z.string(),
    }),
    description: z.object({
      display_name: z.string(),
      key: z.string(),
      script: z.string(),
      interval: z.number().int(),
      timeout: z.number().int(),
    }),
  }),
);
export type WorkspaceAgentMetadata = z.infer<typeof WorkspaceAgentMetadata>;

export const WorkspaceAgentLog = named(
  "WorkspaceAgentLog",
  z.object({
    id: z.number().int(),
    created_at: Timestamp,
    output: z.string(),
    level: LogLevel,
    source_id: Uuid,
  }),
);
export type WorkspaceAgentLog = z.infer<typeof WorkspaceAgentLog>;

export const WorkspaceAgent = named(
  "WorkspaceAgent",
  z.object({
    id: Uuid,
    parent_id: Uuid.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
    first_connected_at: Timestamp.optional(),
    last_connected_at: Timestamp.optional(),
    disconnected_at: Timestamp.optional(),
    started_at: Timestamp.optional(),
    ready_at: Timestamp.optional(),
    status: AgentStatus,
    lifecycle_state: AgentLifecycle,
    name: z.string(),
    resource_id: Uuid,
    instance_id: z.string().optional(),
    architecture: z.string(),
    environment_variables: z.record(z.string(), z.string()),
    operating_system: z.string(),
    logs_length: z.number().int(),
    logs_overflowed: z.boolean(),
    directory: z.string().optional(),
    expanded_directory: z.string().optional(),
    version: z.string(),
    api_version: z.string(),
    apps: z.array(WorkspaceApp),
    latency: z.record(z.string(), z.object({ preferred: z.boolean(), latency_ms: z.number() })).optional(),
    connection_timeout_seconds: z.number().int(),
    troubleshooting_url: z.string(),
    subsystems: z.array(z.string()),
    health: z.object({ healthy: z.boolean(), reason: z.string().optional() }),
    display_apps: z.array(DisplayApp),
    log_sources: z.array(WorkspaceAgentLogSource),
    scripts: z.array(WorkspaceAgentScript),
    metadata: z.array(WorkspaceAgentMetadata).optional(),
    startup_script_behavior: z.enum(["blocking", "non-blocking"]),
  }),
);
export type WorkspaceAgent = z.infer<typeof WorkspaceAgent>;

export const ListeningPorts = named(
  "WorkspaceAgentListeningPortsResponse",
  z.object({
    ports: z.array(z.object({ process_name: z.string(), network: z.string(), port: z.number().int() })),
  }),
);
export type ListeningPorts = z.infer<typeof ListeningPorts>;

export const AgentGitSSHKey = named(
  "AgentGitSSHKey",
  z.object({ public_key: z.string(), private_key: z.string() }),
);
export type AgentGitSSHKey = z.infer<typeof AgentGitSSHKey>;

// What programs write is data, whatever it is: it is made storable, not refused.
const LogOutput = z.string().transform((text) => text.replaceAll("\0", "").toWellFormed());

export const PatchAgentLogs = named(
  "PatchAgentLogs",
  z.object({
    log_source_id: optional(Uuid),
    logs: z
      .array(z.object({ created_at: Timestamp, output: LogOutput, level: LogLevel.nullish() }))
      .max(10_000),
  }),
);
export type PatchAgentLogs = z.infer<typeof PatchAgentLogs>;

export const PostLogSourceRequest = named(
  "PostLogSourceRequest",
  z.object({ id: Uuid, display_name: z.string().max(128), icon: z.string().max(2048) }),
);

export { muxSubprotocol } from "./constants.ts";

const tag = "Agents";

export const connectAgent = defineRoute({
  operationId: "connectAgent",
  method: "GET",
  path: "/workspaceagents/me/rpc",
  tag,
  summary: "Connect an agent: its carrier, subprotocol slipway.mux.v1",
  auth: "agent",
  query: z.object({ version: z.string().optional() }),
  responses: { 101: null },
  stream: "websocket",
});

export const getAgentGitSSHKey = defineRoute({
  operationId: "getAgentGitSSHKey",
  method: "GET",
  path: "/workspaceagents/me/gitsshkey",
  tag,
  summary: "Get the key pair of the agent's owner for Git over SSH",
  auth: "agent",
  responses: { 200: AgentGitSSHKey },
});

export const patchAgentLogs = defineRoute({
  operationId: "patchAgentLogs",
  method: "PATCH",
  path: "/workspaceagents/me/logs",
  tag,
  summary: "Append to the agent's logs",
  auth: "agent",
  body: PatchAgentLogs,
  responses: { 200: Response },
  errors: { 413: "The agent's logs have reached their limit." },
});

export const postAgentLogSource = defineRoute({
  operationId: "postAgentLogSource",
  method: "POST",
  path: "/workspaceagents/me/log-source",
  tag,
  summary: "Name a source of agent logs",
  auth: "agent",
  body: PostLogSourceRequest,
  responses: { 201: WorkspaceAgentLogSource },
});

export const getAgent = defineRoute({
  operationId: "getAgent",
  method: "GET",
  path: "/workspaceagents/:workspaceagent",
  tag,
  summary: "Get an agent",
  auth: "user",
  responses: { 200: WorkspaceAgent },
});

export const getAgentLogs = defineRoute({
  operationId: "getAgentLogs",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/logs",
  tag,
  summary: "Get an agent's logs, or with follow a WebSocket of them",
  description: `At most ${maxAgentLogLines} lines are sent without follow; after=ID of the last gives the next ones.`,
  auth: "user",
  query: z.object({
    follow: QueryBool.optional(),
    after: QueryInt.optional(),
    before: QueryInt.optional(),
    no_compression: QueryBool.optional(),
  }),
  responses: { 101: null, 200: z.array(WorkspaceAgentLog) },
  stream: "websocket",
  message: z.array(WorkspaceAgentLog),
});

export const getListeningPorts = defineRoute({
  operationId: "getListeningPorts",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/listening-ports",
  tag,
  summary: "List the TCP ports on which the workspace listens",
  auth: "user",
  responses: { 200: ListeningPorts },
});

export const watchAgentMetadata = defineRoute({
  operationId: "watchAgentMetadata",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/watch-metadata",
  tag,
  summary: "Watch an agent's metadata as server-sent events",
  auth: "user",
  responses: { 200: null },
  stream: "sse",
  message: z.array(WorkspaceAgentMetadata),
});

export const watchAgentMetadataWs = defineRoute({
  operationId: "watchAgentMetadataWs",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/watch-metadata-ws",
  tag,
  summary: "Watch an agent's metadata over a WebSocket",
  auth: "user",
  responses: { 101: null },
  stream: "websocket",
  message: z.object({ type: z.enum(["data", "ping", "error"]), data: z.unknown() }),
});

export const openTerminal = defineRoute({
  operationId: "openTerminal",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/pty",
  tag,
  summary: "Open or rejoin a terminal: JSON with data or size in, bytes out",
  auth: "user",
  query: z.object({
    reconnect: Uuid,
    width: QueryInt.optional(),
    height: QueryInt.optional(),
    command: z
      .string()
      .max(64 * 1024)
      .optional(),
    container: z.string().max(256).optional(),
    container_user: z.string().max(256).optional(),
  }),
  responses: { 101: null },
  stream: "websocket",
});

/** The command line's carrier to one agent: streams for SSH, ports and speed tests (subprotocol `slipway.mux.v1`). */
export const openTunnel = defineRoute({
  operationId: "openTunnel",
  method: "GET",
  path: "/workspaceagents/:workspaceagent/tunnel",
  tag,
  summary: "Open a tunnel to an agent",
  auth: "user",
  responses: { 101: null },
  stream: "websocket",
});
