import type { Generated, GeneratedAlways } from "kysely";
import type {
  Bytes,
  DefaultJson,
  ExternalAuthRequirement,
  Json,
  NullableBytes,
  NullableJson,
  ParameterOption,
} from "./columns.ts";

// Tables of 0002_templates.sql, 0006_provisioner_keys.sql and 0009_replicas.sql.

export type FilesTable = {
  id: string;
  hash: string;
  created_by: string;
  mimetype: string;
  data: Bytes;
  created_at: Date;
};

export type ProvisionerDaemonsTable = {
  id: string;
  organization_id: string;
  key_id: string;
  owner_id: string | null;
  name: string;
  version: Generated<string>;
  api_version: string;
  provisioners: string[];
  tags: Json<Record<string, string>>;
  instance_id: string;
  created_at: Date;
  last_seen_at: Date | null;
  /** When it said goodbye; it is back when it was seen since. */
  left_at: Generated<Date | null>;
};

export type ProvisionerKeysTable = {
  id: string;
  organization_id: string;
  name: string;
  tags: Json<Record<string, string>>;
  hashed_secret: Bytes;
  previous_hashed_secret: NullableBytes;
  previous_expires_at: Date | null;
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
};

export type ProvisionerJobsTable = {
  id: string;
  organization_id: string;
  initiator_id: string;
  type: "template_version_import" | "template_version_dry_run" | "workspace_build";
  provisioner: "terraform" | "echo";
  file_id: string;
  input: Json<Record<string, unknown>>;
  tags: Json<Record<string, string>>;
  priority: Generated<number>;
  /** On the database's clock: the queue's order must not depend on those of replicas. */
  queued_at: Generated<Date>;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  canceled_at: Date | null;
  completed_at: Date | null;
  error: string | null;
  error_code: string | null;
  daemon_id: string | null;
  daemon_name: string | null;
  epoch: Generated<number>;
  lease_until: Date | null;
  lease_confirmed: Generated<boolean>;
  cut_reason: string | null;
  /** Addresses of what is being created and is in no stored state. */
  creating: Generated<string[]>;
  next_log_seq: Generated<number>;
  logs_bytes: Generated<number>;
  logs_overflowed: Generated<boolean>;
  status: GeneratedAlways<"pending" | "running" | "succeeded" | "canceling" | "canceled" | "failed">;
};

export type ProvisionerJobLogsTable = {
  job_id: string;
  seq: number;
  created_at: Date;
  source: "provisioner_daemon" | "provisioner";
  level: "trace" | "debug" | "info" | "warn" | "error";
  stage: string;
  output: string;
};

export type ProvisionerJobTimingsTable = {
  job_id: string;
  started_at: Date;
  ended_at: Date;
  stage: string;
  source: string;
  action: string;
  resource: string;
};

export type TemplatesTable = {
  id: string;
  organization_id: string;
  name: string;
  display_name: Generated<string>;
  description: Generated<string>;
  icon: Generated<string>;
  provisioner: Generated<string>;
  active_version_id: string;
  created_by: string;
  deleted: Generated<boolean>;
  deprecated: Generated<string>;
  default_ttl_ms: Generated<number>;
  activity_bump_ms: Generated<number>;
  time_til_autostop_notify_ms: Generated<number>;
  autostop_requirement_days_of_week: Generated<string[]>;
  autostop_requirement_weeks: Generated<number>;
  autostart_requirement_days_of_week: Generated<string[]>;
  allow_user_autostart: Generated<boolean>;
  allow_user_autostop: Generated<boolean>;
  allow_user_cancel_workspace_jobs: Generated<boolean>;
  allow_workspace_renames: Generated<boolean>;
  failure_ttl_ms: Generated<number>;
  time_til_dormant_ms: Generated<number>;
  time_til_dormant_autodelete_ms: Generated<number>;
  require_active_version: Generated<boolean>;
  max_port_share_level: Generated<string>;
  cors_behavior: Generated<string>;
  use_classic_parameter_flow: Generated<boolean>;
  disable_module_cache: Generated<boolean>;
  agents_allowed: Generated<boolean>;
  everyone_may_use: Generated<boolean>;
  created_at: Date;
  updated_at: Date;
};

export type TemplateVersionsTable = {
  id: string;
  organization_id: string;
  template_id: string | null;
  job_id: string;
  name: string;
  message: Generated<string>;
  readme: Generated<string>;
  lock_file: Generated<string>;
  plan: NullableBytes;
  modules_file_id: Generated<string | null>;
  warnings: DefaultJson<string[]>;
  external_auth: DefaultJson<ExternalAuthRequirement[]>;
  has_external_agent: Generated<boolean>;
  has_workspace_tags: Generated<boolean>;
  archived: Generated<boolean>;
  created_by: string;
  created_at: Date;
  updated_at: Date;
};

export type TemplateVersionParametersTable = {
  template_version_id: string;
  name: string;
  display_name: Generated<string>;
  description: Generated<string>;
  type: string;
  form_type: Generated<string>;
  mutable: boolean;
  default_value: Generated<string>;
  icon: Generated<string>;
  options: DefaultJson<ParameterOption[]>;
  validation_regex: Generated<string>;
  validation_error: Generated<string>;
  validation_min: number | null;
  validation_max: number | null;
  validation_monotonic: Generated<string>;
  required: boolean;
  ephemeral: Generated<boolean>;
  display_order: Generated<number>;
  position: number;
};

export type TemplateVersionVariablesTable = {
  template_version_id: string;
  name: string;
  description: Generated<string>;
  type: Generated<string>;
  value: Bytes;
  value_key_id: string;
  default_value: Generated<string>;
  required: boolean;
  sensitive: boolean;
  position: number;
};

export type TemplateVersionPresetsTable = {
  id: string;
  template_version_id: string;
  name: string;
  description: Generated<string>;
  icon: Generated<string>;
  is_default: Generated<boolean>;
  desired_instances: number | null;
  prebuild: NullableJson<Record<string, unknown>>;
  position: number;
};

export type TemplateVersionPresetParametersTable = {
  preset_id: string;
  name: string;
  value: string;
};

export type TemplatesTables = {
  files: FilesTable;
  provisioner_daemons: ProvisionerDaemonsTable;
  provisioner_keys: ProvisionerKeysTable;
  provisioner_jobs: ProvisionerJobsTable;
  provisioner_job_logs: ProvisionerJobLogsTable;
  provisioner_job_timings: ProvisionerJobTimingsTable;
  templates: TemplatesTable;
  template_versions: TemplateVersionsTable;
  template_version_parameters: TemplateVersionParametersTable;
  template_version_variables: TemplateVersionVariablesTable;
  template_version_presets: TemplateVersionPresetsTable;
  template_version_preset_parameters: TemplateVersionPresetParametersTable;
};
