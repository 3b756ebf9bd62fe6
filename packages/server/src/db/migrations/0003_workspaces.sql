-- Workspaces, their builds, and what the builds made: resources, agents, apps.

create table workspaces (
  id uuid primary key,
  owner_id uuid not null references users (id),
  organization_id uuid not null references organizations (id) on delete cascade,
  template_id uuid not null references templates (id),
  name text not null,
  deleted boolean not null default false,
  autostart_schedule text,
  ttl_ms bigint,
  automatic_updates text not null default 'never' check (automatic_updates in ('always', 'never')),
  favorite boolean not null default false,
  dormant_at timestamptz,
  deleting_at timestamptz,
  next_start_at timestamptz,
  last_used_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index workspaces_name on workspaces (owner_id, lower(name)) where not deleted;
create index workspaces_template on workspaces (template_id) where not deleted;
create index workspaces_list on workspaces (organization_id, owner_id, lower(name)) where not deleted;

create table workspace_builds (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  template_version_id uuid not null references template_versions (id),
  template_version_preset_id uuid references template_version_presets (id) on delete set null,
  job_id uuid not null unique references provisioner_jobs (id),
  build_number integer not null,
  transition text not null check (transition in ('start', 'stop', 'delete')),
  reason text not null default 'initiator',
  initiator_id uuid not null references users (id),
  -- A queued restart: the request for the start that follows this stop once it has succeeded.
  on_success jsonb,
  deadline timestamptz,
  max_deadline timestamptz,
  daily_cost integer not null default 0,
  -- Set in the transaction that ends the job: what the partial index below is about.
  finished_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (workspace_id, build_number)
);
-- One unfinished build per workspace, whatever the code believes.
create unique index workspace_builds_unfinished on workspace_builds (workspace_id) where finished_at is null;
create index workspace_builds_latest on workspace_builds (workspace_id, build_number desc);
create index workspace_builds_version on workspace_builds (template_version_id);
create index workspace_builds_queued_starts on workspace_builds (finished_at) where on_success is not null;

-- Terraform's state as reached, encrypted from the first row. Apart from the build so that lists never read it.
create table workspace_build_states (
  build_id uuid primary key references workspace_builds (id) on delete cascade,
  state bytea not null,
  key_id text not null references encryption_keys (key_id),
  lineage text not null default '',
  serial bigint not null default 0,
  updated_at timestamptz not null
);

-- State handed in after its lease had ended and that could not become the build's state.
create table workspace_kept_states (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  build_id uuid not null references workspace_builds (id) on delete cascade,
  state bytea not null,
  key_id text not null references encryption_keys (key_id),
  lineage text not null,
  serial bigint not null,
  reason text not null,
  created_at timestamptz not null
);

create table workspace_build_parameters (
  build_id uuid not null references workspace_builds (id) on delete cascade,
  name text not null,
  value text not null,
  primary key (build_id, name)
);

create table workspace_resources (
  id uuid primary key,
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  transition text not null,
  type text not null,
  name text not null,
  hide boolean not null default false,
  icon text not null default '',
  instance_type text not null default '',
  daily_cost integer not null default 0,
  module_path text not null default '',
  position integer not null,
  created_at timestamptz not null
);
create index workspace_resources_job on workspace_resources (job_id);

create table workspace_resource_metadata (
  resource_id uuid not null references workspace_resources (id) on delete cascade,
  key text not null,
  value text not null default '',
  sensitive boolean not null default false,
  position integer not null,
  primary key (resource_id, key)
);

create table workspace_agents (
  id uuid primary key,
  parent_id uuid references workspace_agents (id) on delete cascade,
  resource_id uuid not null references workspace_resources (id) on delete cascade,
  workspace_id uuid references workspaces (id) on delete cascade,
  build_id uuid references workspace_builds (id) on delete cascade,
  name text not null,
  -- SHA-256 of the token; a template import's agents have none.
  token_hash bytea,
  instance_id text,
  api_key_scope text not null default 'all',
  architecture text not null,
  operating_system text not null,
  environment_variables jsonb not null default '{}',
  directory text not null default '',
  expanded_directory text not null default '',
  motd_file text not null default '',
  version text not null default '',
  api_version text not null default '',
  subsystems text[] not null default '{}',
  display_apps text[] not null default '{}',
  display_order integer not null default 0,
  startup_script_behavior text not null default 'non-blocking',
  connection_timeout_seconds integer not null default 120,
  troubleshooting_url text not null default '',
  lifecycle_state text not null default 'created' check (lifecycle_state in
    ('created', 'starting', 'start_timeout', 'start_error', 'ready', 'shutting_down', 'shutdown_timeout', 'shutdown_error', 'off')),
  -- Raised by every session of the agent: what an older session still says is ignored.
  generation bigint not null default 0,
  first_connected_at timestamptz,
  last_connected_at timestamptz,
  disconnected_at timestamptz,
  started_at timestamptz,
  ready_at timestamptz,
  logs_length bigint not null default 0,
  logs_overflowed boolean not null default false,
  deleted boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index workspace_agents_token on workspace_agents (token_hash) where token_hash is not null and not deleted;
create index workspace_agents_resource on workspace_agents (resource_id);
create index workspace_agents_workspace on workspace_agents (workspace_id) where not deleted;

create table workspace_agent_log_sources (
  id uuid not null,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  display_name text not null,
  icon text not null default '',
  created_at timestamptz not null,
  primary key (agent_id, id)
);

create table workspace_agent_scripts (
  id uuid primary key,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  log_source_id uuid not null,
  display_name text not null,
  icon text not null default '',
  log_path text not null default '',
  script text not null,
  cron text not null default '',
  run_on_start boolean not null default false,
  run_on_stop boolean not null default false,
  start_blocks_login boolean not null default false,
  timeout_seconds integer not null default 0,
  position integer not null,
  exit_code integer,
  status text
);
create index workspace_agent_scripts_agent on workspace_agent_scripts (agent_id);

create table workspace_agent_script_timings (
  script_id uuid not null references workspace_agent_scripts (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  exit_code integer not null,
  stage text not null,
  status text not null
);
create index workspace_agent_script_timings_script on workspace_agent_script_timings (script_id);

create table workspace_agent_logs (
  id bigint generated always as identity primary key,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  log_source_id uuid not null,
  created_at timestamptz not null,
  level text not null,
  output text not null
);
create index workspace_agent_logs_agent on workspace_agent_logs (agent_id, id);

-- The newest batches per agent: a repeated batch is recognised and not stored again.
create table workspace_agent_log_batches (
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  batch_id text not null,
  created_at timestamptz not null,
  primary key (agent_id, batch_id)
);

create table workspace_agent_metadata (
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  key text not null,
  display_name text not null,
  script text not null,
  interval_seconds integer not null,
  timeout_seconds integer not null,
  display_order integer not null default 0,
  value text not null default '',
  error text not null default '',
  collected_at timestamptz,
  primary key (agent_id, key)
);

create table workspace_apps (
  id uuid primary key,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  slug text not null,
  display_name text not null default '',
  icon text not null default '',
  command text,
  url text,
  external boolean not null default false,
  subdomain boolean not null default false,
  sharing_level text not null default 'owner',
  healthcheck_url text not null default '',
  healthcheck_interval_seconds integer not null default 0,
  healthcheck_threshold integer not null default 0,
  health text not null default 'disabled',
  display_order integer not null default 0,
  display_group text not null default '',
  hidden boolean not null default false,
  open_in text not null default 'slim-window',
  tooltip text not null default '',
  created_at timestamptz not null,
  unique (agent_id, slug)
);
