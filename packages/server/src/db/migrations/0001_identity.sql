-- People, organizations, credentials, and what the deployment knows of itself.

create table site_config (
  key text primary key,
  value text not null
);

-- Which keys have encrypted anything (access.md 10.2). A server that lacks one of them refuses to start.
create table encryption_keys (
  key_id text primary key,
  probe bytea not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table users (
  id uuid primary key,
  username text not null,
  name text not null default '',
  email text not null default '',
  hashed_password text,
  login_type text not null default 'password' check (login_type in ('password', 'github', 'oidc', 'none')),
  status text not null default 'dormant' check (status in ('active', 'dormant', 'suspended')),
  roles text[] not null default '{}',
  avatar_url text not null default '',
  theme_preference text not null default '',
  terminal_font text not null default '',
  is_service_account boolean not null default false,
  is_system boolean not null default false,
  deleted boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_seen_at timestamptz,
  check (not is_service_account or (login_type = 'none' and email = '' and hashed_password is null))
);
create unique index users_username on users (lower(username)) where not deleted;
-- Lists of workspaces are ordered by their owners' names.
create index users_by_name on users (lower(username), id);
-- Service accounts share "no e-mail".
create unique index users_email on users (lower(email)) where not deleted and email <> '';

create table git_ssh_keys (
  user_id uuid primary key references users (id) on delete cascade,
  public_key text not null,
  private_key bytea not null,
  private_key_id text not null references encryption_keys (key_id),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table organizations (
  id uuid primary key,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  is_default boolean not null default false,
  deleted boolean not null default false,
  default_org_member_roles text[] not null default '{organization-workspace-access}',
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index organizations_name on organizations (lower(name)) where not deleted;
create unique index organizations_default on organizations (is_default) where is_default;

create table organization_members (
  organization_id uuid not null references organizations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  roles text[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (organization_id, user_id)
);
create index organization_members_user on organization_members (user_id);

create table api_keys (
  id text primary key check (length(id) = 10),
  hashed_secret bytea not null,
  user_id uuid not null references users (id) on delete cascade,
  login_type text not null check (login_type in ('password', 'github', 'oidc', 'token', 'none')),
  token_name text not null default '',
  scopes text[] not null default '{coder:all}',
  allow_list text[] not null default '{*:*}',
  lifetime_seconds bigint not null,
  ip_address inet,
  last_used timestamptz not null default 'epoch',
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index api_keys_user on api_keys (user_id);
create unique index api_keys_token_name on api_keys (user_id, token_name) where login_type = 'token' and token_name <> '';
create index api_keys_expires on api_keys (expires_at);

create table audit_logs (
  id uuid primary key,
  time timestamptz not null,
  user_id uuid,
  organization_id uuid,
  ip inet,
  user_agent text not null default '',
  resource_type text not null,
  resource_id uuid,
  resource_target text not null default '',
  resource_icon text not null default '',
  action text not null,
  diff jsonb not null default '{}',
  status_code integer not null,
  additional_fields jsonb not null default '{}',
  request_id uuid
);
create index audit_logs_time on audit_logs (time desc, id);
create index audit_logs_resource on audit_logs (resource_type, resource_id);
