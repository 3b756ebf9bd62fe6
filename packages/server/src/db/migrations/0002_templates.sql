-- Archives, templates and their versions, and the queue that all jobs go through.

create table files (
  id uuid primary key,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  created_by uuid not null references users (id),
  mimetype text not null,
  data bytea not null,
  created_at timestamptz not null
);
create unique index files_hash on files (created_by, hash);

create table provisioner_daemons (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  key_id uuid not null,
  owner_id uuid references users (id) on delete cascade,
  name text not null,
  version text not null default '',
  api_version text not null,
  provisioners text[] not null,
  tags jsonb not null,
  instance_id text not null,
  created_at timestamptz not null,
  last_seen_at timestamptz
);
create unique index provisioner_daemons_name on provisioner_daemons (organization_id, lower(name), coalesce(tags ->> 'owner', ''));

create table provisioner_jobs (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  initiator_id uuid not null references users (id),
  type text not null check (type in ('template_version_import', 'template_version_dry_run', 'workspace_build')),
  provisioner text not null check (provisioner in ('terraform', 'echo')),
  file_id uuid not null references files (id),
  input jsonb not null,
  tags jsonb not null,
  -- 0: people's builds, imports and dry runs; 1: autostart and autostop; 2: prebuilds.
  priority smallint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  started_at timestamptz,
  canceled_at timestamptz,
  completed_at timestamptz,
  error text,
  error_code text,
  daemon_id uuid references provisioner_daemons (id) on delete set null,
  daemon_name text,
  -- The lease. Every write about the job names the epoch and is refused when it is not this one.
  epoch bigint not null default 0,
  lease_until timestamptz,
  -- False until the daemon's first renewal: an acquisition whose answer was lost goes back into the queue.
  lease_confirmed boolean not null default false,
  next_log_seq bigint not null default 1,
  logs_bytes bigint not null default 0,
  logs_overflowed boolean not null default false,
  status text not null generated always as (
    case
      when completed_at is not null and error is not null then 'failed'
      when completed_at is not null and canceled_at is not null then 'canceled'
      when completed_at is not null then 'succeeded'
      when canceled_at is not null then 'canceling'
      when started_at is not null then 'running'
      else 'pending'
    end
  ) stored
);
create index provisioner_jobs_pending on provisioner_jobs (organization_id, priority, created_at, id)
  where started_at is null and canceled_at is null and completed_at is null;
create index provisioner_jobs_leased on provisioner_jobs (lease_until)
  where started_at is not null and completed_at is null;
create index provisioner_jobs_organization on provisioner_jobs (organization_id, created_at desc);
create index provisioner_jobs_daemon on provisioner_jobs (daemon_id, created_at desc);
-- Which organizations use an archive decides who may read it.
create index provisioner_jobs_file on provisioner_jobs (file_id);

create table provisioner_job_logs (
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  seq bigint not null,
  created_at timestamptz not null,
  source text not null check (source in ('provisioner_daemon', 'provisioner')),
  level text not null check (level in ('trace', 'debug', 'info', 'warn', 'error')),
  stage text not null,
  output text not null,
  primary key (job_id, seq)
);

create table provisioner_job_timings (
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  stage text not null,
  source text not null,
  action text not null,
  resource text not null
);
create index provisioner_job_timings_job on provisioner_job_timings (job_id);

create table templates (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  provisioner text not null default 'terraform',
  active_version_id uuid not null,
  created_by uuid not null references users (id),
  deleted boolean not null default false,
  deprecated text not null default '',
  default_ttl_ms bigint not null default 0,
  activity_bump_ms bigint not null default 3600000,
  time_til_autostop_notify_ms bigint not null default 0,
  autostop_requirement_days_of_week text[] not null default '{}',
  autostop_requirement_weeks integer not null default 1,
  autostart_requirement_days_of_week text[] not null default '{monday,tuesday,wednesday,thursday,friday,saturday,sunday}',
  allow_user_autostart boolean not null default true,
  allow_user_autostop boolean not null default true,
  allow_user_cancel_workspace_jobs boolean not null default true,
  allow_workspace_renames boolean not null default false,
  failure_ttl_ms bigint not null default 0,
  time_til_dormant_ms bigint not null default 0,
  time_til_dormant_autodelete_ms bigint not null default 0,
  require_active_version boolean not null default false,
  max_port_share_level text not null default 'public',
  cors_behavior text not null default 'simple',
  use_classic_parameter_flow boolean not null default false,
  disable_module_cache boolean not null default false,
  agents_allowed boolean not null default true,
  everyone_may_use boolean not null default true,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index templates_name on templates (organization_id, lower(name)) where not deleted;

create table template_versions (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  template_id uuid references templates (id) on delete cascade,
  job_id uuid not null unique references provisioner_jobs (id),
  name text not null,
  message text not null default '',
  readme text not null default '',
  lock_file text not null default '',
  plan bytea,
  warnings jsonb not null default '[]',
  external_auth jsonb not null default '[]',
  has_external_agent boolean not null default false,
  -- Whether a build has to read the archive for its tags.
  has_workspace_tags boolean not null default false,
  archived boolean not null default false,
  created_by uuid not null references users (id),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index template_versions_name on template_versions (template_id, lower(name)) where template_id is not null;
create index template_versions_template on template_versions (template_id, created_at desc);
alter table templates add foreign key (active_version_id) references template_versions (id) deferrable initially deferred;

create table template_version_parameters (
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  type text not null,
  form_type text not null default '',
  mutable boolean not null,
  default_value text not null default '',
  icon text not null default '',
  options jsonb not null default '[]',
  validation_regex text not null default '',
  validation_error text not null default '',
  validation_min integer,
  validation_max integer,
  validation_monotonic text not null default '',
  required boolean not null,
  ephemeral boolean not null default false,
  display_order integer not null default 0,
  position integer not null,
  primary key (template_version_id, name)
);

create table template_version_variables (
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  description text not null default '',
  type text not null default '',
  -- Encrypted: a variable may hold a credential, sensitive or not.
  value bytea not null,
  value_key_id text not null references encryption_keys (key_id),
  default_value text not null default '',
  required boolean not null,
  sensitive boolean not null,
  position integer not null,
  primary key (template_version_id, name)
);

create table template_version_presets (
  id uuid primary key,
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  description text not null default '',
  icon text not null default '',
  is_default boolean not null default false,
  desired_instances integer,
  prebuild jsonb,
  position integer not null,
  unique (template_version_id, name)
);

create table template_version_preset_parameters (
  preset_id uuid not null references template_version_presets (id) on delete cascade,
  name text not null,
  value text not null,
  primary key (preset_id, name)
);
