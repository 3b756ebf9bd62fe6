import type { Generated, GeneratedAlways } from "kysely";
import type { Bytes, DefaultJson, NullableBytes, NullableJson, QueuedStart } from "./columns.ts";

// Tables of 0003_workspaces.sql.

export type WorkspacesTable = {
  id: string;
  owner_id: string;
  organization_id: string;
  template_id: string;
  name: string;
  deleted: Generated<boolean>;
  autostart_schedule: string | null;
  ttl_ms: number | null;
  automatic_updates: Generated<"always" | "never">;
  favorite: Generated<boolean>;
  dormant_at: Date | null;
  deleting_at: Date | null;
  next_start_at: Date | null;
  last_used_at: Date;
  created_at: Date;
  updated_at: Date;
  stop_for: string | null;
  /** Set by a trigger when a build is inserted. */
  latest_build_id: string | null;
};

export type WorkspaceBuildsTable = {
  id: string;
  workspace_id: string;
  template_version_id: string;
  template_version_preset_id: string | null;
  job_id: string;
  build_number: number;
  transition: "start" | "stop" | "delete";
  reason: Generated<string>;
  initiator_id: string;
  on_success: NullableJson<QueuedStart>;
  deadline: Date | null;
  max_deadline: Date | null;
  daily_cost: Generated<number>;
  finished_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

export type WorkspaceBuildStatesTable = {
  build_id: string;
  state: Bytes;
  key_id: string;
  lineage: Generated<string>;
  serial: Generated<number>;
  updated_at: Date;
};

export type WorkspaceKeptStatesTable = {
  id: string;
  workspace_id: string;
  build_id: string;
  state: Bytes;
  key_id: string;
  lineage: string;
  serial: number;
  reason: string;
  created_at: Date;
};

export type WorkspaceBuildParametersTable = {
  build_id: string;
  name: string;
  value: string;
};

export type WorkspaceResourcesTable = {
  id: string;
  job_id: string;
  transition: string;
  type: string;
  name: string;
  hide: Generated<boolean>;
  icon: Generated<string>;
  instance_type: Generated<string>;
  daily_cost: Generated<number>;
  module_path: Generated<string>;
  position: number;
  created_at: Date;
};

export type WorkspaceResourceMetadataTable = {
  resource_id: string;
  key: string;
  value: Generated<string>;
  sensitive: Generated<boolean>;
  position: number;
};

export type WorkspaceAgentsTable = {
  id: string;
  parent_id: string | null;
  resource_id: string;
  workspace_id: string | null;
  build_id: string | null;
  name: string;
  token_hash: NullableBytes;
  instance_id: string | null;
  api_key_scope: Generated<string>;
  architecture: string;
  operating_system: string;
  environment_variables: DefaultJson<Record<string, string>>;
  directory: Generated<string>;
  expanded_directory: Generated<string>;
  motd_file: Generated<string>;
  version: Generated<string>;
  api_version: Generated<string>;
  subsystems: Generated<string[]>;
  display_apps: Generated<string[]>;
  display_order: Generated<number>;
  startup_script_behavior: Generated<string>;
  connection_timeout_seconds: Generated<number>;
  troubleshooting_url: Generated<string>;
  lifecycle_state: Generated<
    | "created"
    | "starting"
    | "start_timeout"
    | "start_error"
    | "ready"
    | "shutting_down"
    | "shutdown_timeout"
    | "shutdown_error"
    | "off"
  >;
  generation: Generated<number>;
  first_connected_at: Date | null;
  last_connected_at: Date | null;
  disconnected_at: Date | null;
  started_at: Date | null;
  ready_at: Date | null;
  logs_length: Generated<number>;
  logs_overflowed: Generated<boolean>;
  deleted: Generated<boolean>;
  created_at: Date;
  updated_at: Date;
};

export type WorkspaceAgentLogSourcesTable = {
  id: string;
  agent_id: string;
  display_name: string;
  icon: Generated<string>;
  created_at: Date;
};

export type WorkspaceAgentScriptsTable = {
  id: string;
  agent_id: string;
  log_source_id: string;
  display_name: string;
  icon: Generated<string>;
  log_path: Generated<string>;
  script: string;
  cron: Generated<string>;
  run_on_start: Generated<boolean>;
  run_on_stop: Generated<boolean>;
  start_blocks_login: Generated<boolean>;
  timeout_seconds: Generated<number>;
  position: number;
  exit_code: number | null;
  status: string | null;
};

export type WorkspaceAgentScriptTimingsTable = {
  script_id: string;
  started_at: Date;
  ended_at: Date;
  exit_code: number;
  stage: string;
  status: string;
};

export type WorkspaceAgentLogsTable = {
  id: GeneratedAlways<number>;
  agent_id: string;
  log_source_id: string;
  created_at: Date;
  level: string;
  output: string;
};

export type WorkspaceAgentLogBatchesTable = {
  agent_id: string;
  batch_id: string;
  created_at: Date;
};

export type WorkspaceAgentMetadataTable = {
  agent_id: string;
  key: string;
  display_name: string;
  script: string;
  interval_seconds: number;
  timeout_seconds: number;
  display_order: Generated<number>;
  value: Generated<string>;
  error: Generated<string>;
  collected_at: Date | null;
};

export type WorkspaceAppsTable = {
  id: string;
  agent_id: string;
  slug: string;
  display_name: Generated<string>;
  icon: Generated<string>;
  command: string | null;
  url: string | null;
  external: Generated<boolean>;
  subdomain: Generated<boolean>;
  sharing_level: Generated<string>;
  healthcheck_url: Generated<string>;
  healthcheck_interval_seconds: Generated<number>;
  healthcheck_threshold: Generated<number>;
  health: Generated<string>;
  display_order: Generated<number>;
  display_group: Generated<string>;
  hidden: Generated<boolean>;
  open_in: Generated<string>;
  tooltip: Generated<string>;
  created_at: Date;
};

export type WorkspacesTables = {
  workspaces: WorkspacesTable;
  workspace_builds: WorkspaceBuildsTable;
  workspace_build_states: WorkspaceBuildStatesTable;
  workspace_kept_states: WorkspaceKeptStatesTable;
  workspace_build_parameters: WorkspaceBuildParametersTable;
  workspace_resources: WorkspaceResourcesTable;
  workspace_resource_metadata: WorkspaceResourceMetadataTable;
  workspace_agents: WorkspaceAgentsTable;
  workspace_agent_log_sources: WorkspaceAgentLogSourcesTable;
  workspace_agent_scripts: WorkspaceAgentScriptsTable;
  workspace_agent_script_timings: WorkspaceAgentScriptTimingsTable;
  workspace_agent_logs: WorkspaceAgentLogsTable;
  workspace_agent_log_batches: WorkspaceAgentLogBatchesTable;
  workspace_agent_metadata: WorkspaceAgentMetadataTable;
  workspace_apps: WorkspaceAppsTable;
};
