-- Modules that came from elsewhere, as the import fetched them: a tar of .terraform/modules.
alter table template_versions add column modules_file_id uuid references files (id);
