import { expect, test } from "vitest";
import { TemplateVersionParameter } from "./template-parameters.ts";
import { Template } from "./templates.ts";
import { User } from "./users.ts";
import { Workspace } from "./workspaces.ts";

// Answers of the shape that Coder gives (rest-api.md 6), with a field from the future in each.

const id = "6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10";
const time = "2026-01-31T09:00:00.123456Z";

const job = {
  id,
  created_at: time,
  started_at: time,
  status: "running",
  worker_id: id,
  worker_name: "builtin-0",
  file_id: id,
  tags: { owner: "", scope: "organization" },
  queue_position: 0,
  queue_size: 0,
  organization_id: id,
  initiator_id: id,
  input: { workspace_build_id: id },
  type: "workspace_build",
  metadata: {
    template_version_name: "brave-otter-42",
    template_id: id,
    template_name: "docker",
    template_display_name: "Docker",
    template_icon: "/icon/docker.png",
    workspace_id: id,
    workspace_name: "dev",
    workspace_build_transition: "start",
  },
  logs_overflowed: false,
  future: true,
};

const agent = {
  id,
  parent_id: null,
  created_at: time,
  updated_at: time,
  first_connected_at: time,
  status: "connected",
  lifecycle_state: "ready",
  name: "main",
  resource_id: id,
  architecture: "amd64",
  environment_variables: { LANG: "C.UTF-8" },
  operating_system: "linux",
  logs_length: 120,
  logs_overflowed: false,
  version: "v2.39.0",
  api_version: "2.0",
  apps: [
    {
      id,
      external: false,
      slug: "code",
      subdomain: true,
      sharing_level: "owner",
      healthcheck: { url: "http://localhost:8080/healthz", interval: 5, threshold: 6 },
      health: "healthy",
      hidden: false,
      open_in: "slim-window",
      statuses: [],
    },
  ],
  latency: { Relay: { preferred: true, latency_ms: 1.4 } },
  connection_timeout_seconds: 120,
  troubleshooting_url: "",
  subsystems: [],
  health: { healthy: true },
  display_apps: ["vscode", "web_terminal"],
  log_sources: [{ workspace_agent_id: id, id, created_at: time, display_name: "Startup Script", icon: "" }],
  scripts: [
    {
      id,
      log_source_id: id,
      log_path: "",
      script: "true",
      cron: "",
      run_on_start: true,
      run_on_stop: false,
      start_blocks_login: false,
      timeout: 0,
      display_name: "Startup Script",
      exit_code: 0,
      status: "ok",
    },
  ],
  startup_script_behavior: "non-blocking",
};

const build = {
  id,
  created_at: time,
  updated_at: time,
  workspace_id: id,
  workspace_name: "dev",
  workspace_owner_id: id,
  workspace_owner_name: "ada",
  template_version_id: id,
  template_version_name: "brave-otter-42",
  build_number: 1,
  transition: "start",
  initiator_id: id,
  initiator_name: "ada",
  job,
  reason: "initiator",
  resources: [
    {
      id,
      created_at: time,
      job_id: id,
      workspace_transition: "start",
      type: "docker_container",
      name: "workspace",
      hide: false,
      icon: "",
      agents: [agent],
      metadata: [{ key: "image", value: "debian", sensitive: false }],
      daily_cost: 0,
    },
  ],
  status: "starting",
  daily_cost: 0,
  matched_provisioners: { count: 3, available: 3, most_recently_seen: time },
  template_version_preset_id: null,
};

test("a workspace with its build, job, resources and agents", () => {
  const workspace = {
    id,
    created_at: time,
    updated_at: time,
    owner_id: id,
    owner_name: "ada",
    owner_avatar_url: "",
    organization_id: id,
    organization_name: "coder",
    template_id: id,
    template_name: "docker",
    template_display_name: "Docker",
    template_icon: "",
    template_allow_user_cancel_workspace_jobs: true,
    template_active_version_id: id,
    template_require_active_version: false,
    template_use_classic_parameter_flow: false,
    latest_build: build,
    latest_app_status: null,
    outdated: false,
    name: "dev",
    last_used_at: "0001-01-01T00:00:00Z",
    deleting_at: null,
    dormant_at: null,
    health: { healthy: true, failing_agents: [] },
    automatic_updates: "never",
    allow_renames: false,
    favorite: false,
    next_start_at: null,
    is_prebuild: false,
    shared_with: [],
    future: 1,
  };
  expect(Workspace.safeParse(workspace).error).toBeUndefined();
});

test("a template", () => {
  const stats = { P50: null, P95: 1200 };
  const template = {
    id,
    created_at: time,
    updated_at: time,
    organization_id: id,
    organization_name: "coder",
    organization_display_name: "Coder",
    organization_icon: "",
    name: "docker",
    display_name: "Docker",
    provisioner: "terraform",
    active_version_id: id,
    active_user_count: -1,
    build_time_stats: { start: stats, stop: stats, delete: stats },
    description: "",
    deprecated: false,
    deprecation_message: "",
    deleted: false,
    icon: "",
    default_ttl_ms: 0,
    activity_bump_ms: 3_600_000,
    time_til_autostop_notify_ms: 0,
    autostop_requirement: { days_of_week: [], weeks: 1 },
    autostart_requirement: { days_of_week: ["monday"] },
    created_by_id: id,
    created_by_name: "ada",
    allow_user_autostart: true,
    allow_user_autostop: true,
    allow_user_cancel_workspace_jobs: true,
    failure_ttl_ms: 0,
    time_til_dormant_ms: 0,
    time_til_dormant_autodelete_ms: 0,
    require_active_version: false,
    max_port_share_level: "public",
    cors_behavior: "simple",
    use_classic_parameter_flow: false,
    agents_allowed: true,
    disable_module_cache: false,
    module_cache_disabled_by_deployment: false,
    allow_workspace_renames: false,
    future: null,
  };
  expect(Template.safeParse(template).error).toBeUndefined();
});

test("a user and a parameter", () => {
  const user = {
    id,
    username: "ada",
    email: "",
    created_at: time,
    updated_at: time,
    status: "active",
    login_type: "none",
    is_service_account: true,
    organization_ids: [id],
    roles: [{ name: "owner", display_name: "Owner" }],
    has_ai_seat: false,
  };
  expect(User.safeParse(user).error).toBeUndefined();
  const parameter = {
    name: "cpu",
    description: "**Cores**",
    description_plaintext: "Cores",
    type: "number",
    form_type: "slider",
    mutable: true,
    default_value: "2",
    icon: "",
    options: [],
    validation_min: 1,
    validation_max: 8,
    validation_monotonic: "increasing",
    required: false,
    ephemeral: false,
  };
  expect(TemplateVersionParameter.safeParse(parameter).error).toBeUndefined();
});

test("a template of which a field is missing is not one", () => {
  const result = Template.safeParse({ id });
  expect(result.error?.issues.map((issue) => issue.path[0])).toContain("allow_workspace_renames");
});
