import { z } from "zod";
import { optional, Response, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";

export const BuildInfoResponse = named(
  "BuildInfoResponse",
  z.object({
    external_url: z.string(),
    version: z.string(),
    dashboard_url: z.string(),
    oauth2_provider: z.boolean(),
    telemetry: z.boolean(),
    workspace_proxy: z.boolean(),
    agent_api_version: z.string(),
    provisioner_api_version: z.string(),
    upgrade_message: z.string(),
    deployment_id: z.string(),
    webpush_public_key: z.string().optional(),
  }),
);
export type BuildInfoResponse = z.infer<typeof BuildInfoResponse>;

export const AppearanceConfig = named(
  "AppearanceConfig",
  z.object({
    application_name: z.string(),
    logo_url: z.string(),
    docs_url: z.string(),
    service_banner: z.object({
      enabled: z.boolean(),
      message: z.string().optional(),
      background_color: z.string().optional(),
    }),
    announcement_banners: z.array(
      z.object({
        enabled: z.boolean(),
        message: z.string().optional(),
        background_color: z.string().optional(),
      }),
    ),
    support_links: z
      .array(
        z.object({
          name: z.string(),
          target: z.string(),
          icon: z.string(),
          location: z.string().optional(),
        }),
      )
      .optional(),
  }),
);
export type AppearanceConfig = z.infer<typeof AppearanceConfig>;

export const Feature = named(
  "Feature",
  z.object({
    entitlement: z.enum(["entitled", "grace_period", "not_entitled"]),
    enabled: z.boolean(),
    limit: z.number().int().optional(),
    soft_limit: z.number().int().optional(),
    hard_limit: z.number().int().optional(),
    actual: z.number().int().optional(),
    usage_period: z.object({ issued_at: Timestamp, start: Timestamp, end: Timestamp }).optional(),
  }),
);
export type Feature = z.infer<typeof Feature>;

export const Entitlements = named(
  "Entitlements",
  z.object({
    features: z.record(z.string(), Feature),
    warnings: z.array(z.string()),
    errors: z.array(z.string()),
    has_license: z.boolean(),
    trial: z.boolean(),
    require_telemetry: z.boolean(),
    refreshed_at: Timestamp,
  }),
);
export type Entitlements = z.infer<typeof Entitlements>;

/** The features that clients look for among the entitlements (rest-api.md 7). */
export const featureNames = [
  "user_limit",
  "audit_log",
  "connection_log",
  "browser_only",
  "scim",
  "template_rbac",
  "high_availability",
  "multiple_external_auth",
  "external_provisioner_daemons",
  "appearance",
  "advanced_template_scheduling",
  "workspace_proxy",
  "external_token_encryption",
  "workspace_batch_actions",
  "access_control",
  "control_shared_ports",
  "custom_roles",
  "multiple_organizations",
  "workspace_prebuilds",
  "workspace_external_agent",
  "service_accounts",
  "user_role_management",
  "managed_agent_limit",
  "agent_runtime_hours",
  "aibridge",
  "boundary",
  "ai_governance_user_limit",
] as const;

export const DeploymentOption = named(
  "DeploymentOption",
  z.object({
    name: z.string(),
    description: z.string(),
    flag: z.string(),
    flag_shorthand: z.string(),
    env: z.string(),
    yaml: z.string(),
    default: z.string(),
    value: z.unknown(),
    value_source: z.string(),
    group: z.unknown(),
    hidden: z.boolean(),
    annotations: z.record(z.string(), z.string()),
  }),
);
export type DeploymentOption = z.infer<typeof DeploymentOption>;

export const DeploymentConfig = named(
  "DeploymentConfig",
  z.object({ config: z.record(z.string(), z.unknown()), options: z.array(DeploymentOption) }),
);
export type DeploymentConfig = z.infer<typeof DeploymentConfig>;

export const DeploymentStats = named(
  "DeploymentStats",
  z.object({
    aggregated_from: Timestamp,
    collected_at: Timestamp,
    next_update_at: Timestamp,
    workspaces: z.object({
      pending: z.number().int(),
      building: z.number().int(),
      running: z.number().int(),
      failed: z.number().int(),
      stopped: z.number().int(),
      connection_latency_ms: z.object({ P50: z.number(), P95: z.number() }),
      rx_bytes: z.number().int(),
      tx_bytes: z.number().int(),
    }),
    session_count: z.object({
      vscode: z.number().int(),
      ssh: z.number().int(),
      jetbrains: z.number().int(),
      reconnecting_pty: z.number().int(),
    }),
  }),
);
export type DeploymentStats = z.infer<typeof DeploymentStats>;

export const SSHConfigResponse = named(
  "SSHConfigResponse",
  z.object({
    hostname_prefix: z.string(),
    hostname_suffix: z.string(),
    ssh_config_options: z.record(z.string(), z.string()),
  }),
);
export type SSHConfigResponse = z.infer<typeof SSHConfigResponse>;

export const Region = named(
  "Region",
  z.object({
    id: Uuid,
    name: z.string(),
    display_name: z.string(),
    icon_url: z.string(),
    healthy: z.boolean(),
    path_app_url: z.string(),
    wildcard_hostname: z.string(),
  }),
);
export const RegionsResponse = named("RegionsResponse", z.object({ regions: z.array(Region) }));
export type RegionsResponse = z.infer<typeof RegionsResponse>;

export const UpdateCheckResponse = named(
  "UpdateCheckResponse",
  z.object({ current: z.boolean(), version: z.string(), url: z.string() }),
);

export const AppHostResponse = named("AppHostResponse", z.object({ host: z.string() }));
export type AppHostResponse = z.infer<typeof AppHostResponse>;

/** What may be done to a resource, as authorization checks name it (rest-api.md 7). */
export const rbacActions = [
  "create",
  "read",
  "update",
  "delete",
  "use",
  "ssh",
  "application_connect",
  "start",
  "stop",
  "share",
  "assign",
  "unassign",
  "read_personal",
  "update_personal",
  "view_insights",
  "create_agent",
  "update_agent",
  "delete_agent",
] as const;
export type RbacAction = (typeof rbacActions)[number];

export const AuthorizationRequest = named(
  "AuthorizationRequest",
  z.object({
    checks: z
      .record(
        z.string(),
        z.object({
          object: z.object({
            resource_type: z.string().max(64),
            // An id, or `me`.
            owner_id: optional(z.string().max(64)),
            organization_id: optional(z.string().max(64)),
            resource_id: optional(z.string().max(64)),
            any_org: optional(z.boolean()),
          }),
          action: z.string().max(64),
        }),
      )
      .refine((checks) => Object.keys(checks).length <= 200, { error: "must hold at most 200 checks." }),
  }),
);
export type AuthorizationRequest = z.infer<typeof AuthorizationRequest>;

export const AuthorizationResponse = z.record(z.string(), z.boolean());

const tag = "General";

export const getRoot = defineRoute({
  operationId: "getRoot",
  method: "GET",
  path: "/",
  tag,
  summary: "Greet",
  auth: "none",
  responses: { 200: Response },
});

export const getOpenApi = defineRoute({
  operationId: "getOpenApi",
  method: "GET",
  path: "/openapi.json",
  tag,
  summary: "Get this description of the API (OpenAPI 3.1)",
  auth: "none",
  responses: { 200: z.record(z.string(), z.unknown()) },
});

export const getBuildInfo = defineRoute({
  operationId: "getBuildInfo",
  method: "GET",
  path: "/buildinfo",
  tag,
  summary: "Get version and address of the deployment",
  auth: "none",
  responses: { 200: BuildInfoResponse },
});

export const getUpdateCheck = defineRoute({
  operationId: "getUpdateCheck",
  method: "GET",
  path: "/updatecheck",
  tag,
  summary: "Tell whether a newer version is known; nothing is fetched for it",
  auth: "none",
  responses: { 200: UpdateCheckResponse },
});

export const getAppearance = defineRoute({
  operationId: "getAppearance",
  method: "GET",
  path: "/appearance",
  tag,
  summary: "Get name, logo and banners",
  auth: "optional",
  responses: { 200: AppearanceConfig },
});

export const getExperiments = defineRoute({
  operationId: "getExperiments",
  method: "GET",
  path: "/experiments",
  tag,
  summary: "List the experiments that are on",
  auth: "user",
  responses: { 200: z.array(z.string()) },
});

export const getAvailableExperiments = defineRoute({
  operationId: "getAvailableExperiments",
  method: "GET",
  path: "/experiments/available",
  tag,
  summary: "List the experiments that `*` turns on",
  auth: "user",
  responses: { 200: z.object({ safe: z.array(z.string()) }) },
});

export const getEntitlements = defineRoute({
  operationId: "getEntitlements",
  method: "GET",
  path: "/entitlements",
  tag,
  summary: "List the features; all are open to all",
  auth: "none",
  responses: { 200: Entitlements },
});

export const getRegions = defineRoute({
  operationId: "getRegions",
  method: "GET",
  path: "/regions",
  tag,
  summary: "List the places through which workspaces are reached",
  auth: "user",
  responses: { 200: RegionsResponse },
});

export const getAppHost = defineRoute({
  operationId: "getAppHost",
  method: "GET",
  path: "/applications/host",
  tag,
  summary: "Get the wildcard host under which web apps are served; empty while there is none",
  auth: "user",
  responses: { 200: AppHostResponse },
});

export const reportCspViolation = defineRoute({
  operationId: "reportCspViolation",
  method: "POST",
  path: "/csp/reports",
  tag,
  summary: "Take a browser's report of what the content security policy kept out; it goes to the log",
  auth: "none",
  body: z.object({ "csp-report": z.record(z.string(), z.unknown()) }),
  responses: { 200: Response },
});

export const checkAuthorization = defineRoute({
  operationId: "checkAuthorization",
  method: "POST",
  path: "/authcheck",
  tag,
  summary: "Ask what the caller may do",
  auth: "user",
  body: AuthorizationRequest,
  responses: { 200: AuthorizationResponse },
});

export const getDeploymentConfig = defineRoute({
  operationId: "getDeploymentConfig",
  method: "GET",
  path: "/deployment/config",
  tag,
  summary: "Get the configuration, without its secrets",
  auth: "user",
  responses: { 200: DeploymentConfig },
});

export const getDeploymentStats = defineRoute({
  operationId: "getDeploymentStats",
  method: "GET",
  path: "/deployment/stats",
  tag,
  summary: "Count workspaces and sessions",
  auth: "user",
  responses: { 200: DeploymentStats },
});

export const getSSHConfig = defineRoute({
  operationId: "getSSHConfig",
  method: "GET",
  path: "/deployment/ssh",
  tag,
  summary: "Get what config-ssh writes for this deployment",
  auth: "user",
  responses: { 200: SSHConfigResponse },
});

export const getInitScript = defineRoute({
  operationId: "getInitScript",
  method: "GET",
  path: "/init-script/:os/:arch",
  tag,
  summary: "Get the script that fetches and starts an agent",
  auth: "none",
  responses: { 200: null },
  stream: "bytes",
});

export const healthz = defineRoute({
  operationId: "healthz",
  method: "GET",
  base: "",
  path: "/healthz",
  tag,
  summary: "Answer OK while the server serves",
  auth: "none",
  responses: { 200: null },
  stream: "bytes",
});

export const latencyCheck = defineRoute({
  operationId: "latencyCheck",
  method: "GET",
  base: "",
  path: "/latency-check",
  tag,
  summary: "Answer at once, for measuring round trips",
  auth: "none",
  responses: { 200: null },
  stream: "bytes",
});
