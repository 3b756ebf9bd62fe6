-- A daemon that said goodbye is gone at once; one that was lost has the time to come back. The time of the goodbye
-- needs no reset: who is seen after it is there again, also for a server of the version before.

alter table provisioner_daemons add column left_at timestamptz;
