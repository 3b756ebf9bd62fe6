-- When a job joined the queue, on the database's clock: those of replicas may differ.
alter table provisioner_jobs add column queued_at timestamptz;
update provisioner_jobs set queued_at = created_at;
alter table provisioner_jobs
  alter column queued_at set default clock_timestamp(),
  alter column queued_at set not null;

-- One list per priority and initiator, oldest first: daemons take from them in turn.
drop index provisioner_jobs_pending;
create index provisioner_jobs_pending on provisioner_jobs (organization_id, priority, initiator_id, queued_at, id)
  where started_at is null and canceled_at is null and completed_at is null;

-- What decides whose turn it is: how many jobs of an initiator run, and when the last one began.
create index provisioner_jobs_running on provisioner_jobs (organization_id, initiator_id, started_at)
  where started_at is not null and completed_at is null;
create index provisioner_jobs_ended on provisioner_jobs (organization_id, initiator_id, started_at)
  where started_at is not null and completed_at is not null;

-- What a daemon does now, and what it did last.
drop index provisioner_jobs_daemon;
create index provisioner_jobs_daemon on provisioner_jobs (daemon_id, completed_at desc nulls first);
