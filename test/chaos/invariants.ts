import assert from "node:assert/strict";
import { Client } from "pg";

/**
 * Watches a database for what must never happen, whatever else does: a job that ends twice, a change to one that has
 * ended, two running builds of a workspace, a log that grows after its end, a state that changes after it other than by
 * being handed in.
 */
export async function watchForViolations(url: string): Promise<void> {
  await query(
    url,
    `
create table chaos_violations (what text not null, job_id uuid, at timestamptz not null default clock_timestamp());
create function chaos_job() returns trigger language plpgsql as $$
begin
  if old.completed_at is not null and (new.completed_at, new.error, new.epoch, new.daemon_id, new.next_log_seq)
    is distinct from (old.completed_at, old.error, old.epoch, old.daemon_id, old.next_log_seq) then
    insert into chaos_violations values ('an ended job was changed', new.id);
  end if;
  if new.epoch < old.epoch then insert into chaos_violations values ('an epoch went back', new.id); end if;
  if old.started_at is null and new.started_at is not null and new.completed_at is null and exists (
    select from workspace_builds build
    join workspace_builds other on other.workspace_id = build.workspace_id and other.id <> build.id
    join provisioner_jobs job on job.id = other.job_id
    where build.job_id = new.id and job.started_at is not null and job.completed_at is null
  ) then
    insert into chaos_violations values ('two builds of a workspace ran at once', new.id);
  end if;
  return new;
end $$;
create trigger chaos_job after update on provisioner_jobs for each row execute function chaos_job();
create function chaos_log() returns trigger language plpgsql as $$
begin
  if exists (select from provisioner_jobs where id = new.job_id and completed_at is not null) then
    insert into chaos_violations values ('the log of an ended job grew', new.job_id);
  end if;
  return new;
end $$;
create trigger chaos_log after insert on provisioner_job_logs for each row execute function chaos_log();
create function chaos_state() returns trigger language plpgsql as $$
begin
  if exists (
    select from workspace_builds build join provisioner_jobs job on job.id = build.job_id
    where build.id = new.build_id and job.completed_at is not null
  ) and (new.lineage <> old.lineage and old.lineage <> '' or new.serial <= old.serial) then
    insert into chaos_violations values ('the state of an ended build went back', null);
  end if;
  return new;
end $$;
create trigger chaos_state after update on workspace_build_states for each row execute function chaos_state();`,
  );
}

/** What must be true of the rows when nothing is under way. */
const rules: Record<string, string> = {
  "something happened that must not": "select what, job_id from chaos_violations",
  "a job has not ended": "select id, status from provisioner_jobs where completed_at is null",
  "the builds of a workspace have a gap":
    "select workspace_id from workspace_builds group by workspace_id having count(*) <> max(build_number)",
  "a log has a gap or a double": `
    select job.id from provisioner_jobs job
    left join provisioner_job_logs line on line.job_id = job.id
    where not job.logs_overflowed
    group by job.id, job.next_log_seq
    having count(line.seq) <> coalesce(max(line.seq), 0) or coalesce(max(line.seq), 0) <> job.next_log_seq - 1`,
};

export async function checkInvariants(url: string): Promise<void> {
  for (const [rule, text] of Object.entries(rules)) {
    const rows = await query(url, text);
    assert.deepEqual(rows, [], `${rule}: ${JSON.stringify(rows)}`);
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<object>(text);
    // A script has a result for each of its statements, and none of them matters.
    return rows ?? [];
  } finally {
    await client.end();
  }
}
