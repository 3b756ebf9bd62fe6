-- Lists ask for the newest build of thousands of workspaces: each names its own.
alter table workspaces add column latest_build_id uuid references workspace_builds (id) on delete set null;

update workspaces w set latest_build_id =
  (select b.id from workspace_builds b where b.workspace_id = w.id order by b.build_number desc limit 1);

create function set_latest_build() returns trigger language plpgsql as $$
begin
  update workspaces set latest_build_id = new.id where id = new.workspace_id;
  return null;
end
$$;
create trigger workspace_builds_set_latest after insert on workspace_builds
  for each row execute function set_latest_build();

-- For the foreign key, and for the way from a build to the workspace whose newest it is.
create unique index workspaces_latest_build on workspaces (latest_build_id);
