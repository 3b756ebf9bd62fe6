-- What the dashboard remembers for a user.
alter table users add column preferences jsonb not null default '{}';
