-- Servers on this database, each with the moment of its last beat. One that is alone may let daemons go on while the
-- database is away.
create table replicas (
  id uuid primary key,
  hostname text not null,
  version text not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

-- What a running build is creating and its stored state does not hold: a build that nobody ends any more names it.
alter table provisioner_jobs add column creating text[] not null default '{}';
