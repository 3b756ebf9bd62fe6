import { z } from "zod";
import { list, QueryBool, Timestamp } from "./common.ts";
import { named } from "./components.ts";
import { ProvisionerDaemon } from "./provisioner-daemons.ts";
import { defineRoute } from "./route.ts";

/** The parts of a health report, as settings name them (rest-api.md 7). */
export const healthSections = [
  "DERP",
  "AccessURL",
  "Websocket",
  "Database",
  "WorkspaceProxy",
  "ProvisionerDaemons",
] as const;
export type HealthSection = (typeof healthSections)[number];

export const HealthSeverity = z.enum(["ok", "warning", "error"]);
export type HealthSeverity = z.infer<typeof HealthSeverity>;

export const HealthMessage = named("HealthMessage", z.object({ code: z.string(), message: z.string() }));
export type HealthMessage = z.infer<typeof HealthMessage>;

const section = {
  error: z.string().nullable(),
  healthy: z.boolean(),
  severity: HealthSeverity,
  warnings: z.array(HealthMessage),
  /** Found, and known to the administrators: it does not count for the whole. */
  dismissed: z.boolean(),
};

export const AccessUrlReport = named(
  "AccessURLReport",
  z.object({
    ...section,
    access_url: z.string(),
    reachable: z.boolean(),
    status_code: z.number().int(),
    healthz_response: z.string(),
  }),
);
export type AccessUrlReport = z.infer<typeof AccessUrlReport>;

export const DatabaseReport = named(
  "DatabaseReport",
  z.object({
    ...section,
    reachable: z.boolean(),
    latency: z.string(),
    latency_ms: z.number(),
    threshold_ms: z.number(),
  }),
);
export type DatabaseReport = z.infer<typeof DatabaseReport>;

export const WebsocketReport = named(
  "WebsocketReport",
  z.object({ ...section, body: z.string(), code: z.number().int() }),
);
export type WebsocketReport = z.infer<typeof WebsocketReport>;

export const ProvisionerDaemonsReport = named(
  "ProvisionerDaemonsReport",
  z.object({
    ...section,
    items: z.array(z.object({ provisioner_daemon: ProvisionerDaemon, warnings: z.array(HealthMessage) })),
  }),
);
export type ProvisionerDaemonsReport = z.infer<typeof ProvisionerDaemonsReport>;

export const HealthcheckReport = named(
  "HealthcheckReport",
  z.object({
    time: Timestamp,
    healthy: z.boolean(),
    severity: HealthSeverity,
    coder_version: z.string(),
    access_url: AccessUrlReport,
    database: DatabaseReport,
    websocket: WebsocketReport,
    provisioner_daemons: ProvisionerDaemonsReport,
    // Streams go through the server itself: there are no relays of other regions, and no proxies.
    derp: z.object({ ...section, regions: z.record(z.string(), z.unknown()) }),
    workspace_proxy: z.object({
      ...section,
      workspace_proxies: z.object({ regions: z.array(z.unknown()) }),
    }),
  }),
);
export type HealthcheckReport = z.infer<typeof HealthcheckReport>;

export const HealthSettings = named(
  "HealthSettings",
  z.object({ dismissed_healthchecks: z.array(z.enum(healthSections)) }),
);
export type HealthSettings = z.infer<typeof HealthSettings>;

export const UpdateHealthSettings = named(
  "UpdateHealthSettings",
  z.object({ dismissed_healthchecks: list(z.enum(healthSections)) }),
);

const tag = "Health";

export const getHealth = defineRoute({
  operationId: "getHealth",
  method: "GET",
  path: "/debug/health",
  tag,
  summary: "Report how well the deployment is",
  description: "A report is kept for the time of --health-check-refresh; force=true makes a new one.",
  auth: "user",
  query: z.object({ force: QueryBool.optional() }),
  responses: { 200: HealthcheckReport },
});

export const getHealthSettings = defineRoute({
  operationId: "getHealthSettings",
  method: "GET",
  path: "/debug/health/settings",
  tag,
  summary: "Get the parts of the health report that are dismissed",
  auth: "user",
  responses: { 200: HealthSettings },
});

export const updateHealthSettings = defineRoute({
  operationId: "updateHealthSettings",
  method: "PUT",
  path: "/debug/health/settings",
  tag,
  summary: "Choose the parts of the health report that do not count",
  description: "The answer is 204 when that is how it was.",
  auth: "user",
  body: UpdateHealthSettings,
  responses: { 200: HealthSettings, 204: null },
});

export const echoWebsocket = defineRoute({
  operationId: "echoWebsocket",
  method: "GET",
  path: "/debug/ws",
  tag,
  summary: "Send one message back, to try whether WebSockets pass",
  auth: "none",
  responses: { 101: null },
  stream: "websocket",
});
