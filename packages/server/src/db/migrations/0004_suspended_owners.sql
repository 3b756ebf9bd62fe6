-- Set while the workspace is to be stopped because its owner was suspended, with who did that.
alter table workspaces add column stop_for uuid references users (id);
create index workspaces_to_stop on workspaces (id) where stop_for is not null;
