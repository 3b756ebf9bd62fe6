-- Keys with which provisioner daemons join an organization from outside (provisioning.md 3). Of a secret only its
-- SHA-256 is kept. After a rotation the one of before stays good until its own end.
create table provisioner_keys (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null,
  tags jsonb not null,
  hashed_secret bytea not null unique,
  previous_hashed_secret bytea unique,
  previous_expires_at timestamptz,
  created_by uuid references users (id) on delete set null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  check ((previous_hashed_secret is null) = (previous_expires_at is null))
);
create unique index provisioner_keys_name on provisioner_keys (organization_id, lower(name));

-- Why the daemon of a running job cannot renew its lease: its access was withdrawn. The reaper tells it.
alter table provisioner_jobs add column cut_reason text;
