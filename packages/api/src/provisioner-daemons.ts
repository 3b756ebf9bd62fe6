import { z } from "zod";
import { QueryBool, QueryInt, QueryStrings, QueryTags, queryList, Tags, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { ProvisionerJobStatus, ProvisionerType } from "./provisioner-jobs.ts";
import { defineRoute } from "./route.ts";

export const ProvisionerDaemonStatus = z.enum(["offline", "idle", "busy"]);
export type ProvisionerDaemonStatus = z.infer<typeof ProvisionerDaemonStatus>;

export const ProvisionerDaemonJob = named(
  "ProvisionerDaemonJob",
  z.object({
    id: Uuid,
    status: ProvisionerJobStatus,
    template_name: z.string(),
    template_icon: z.string(),
    template_display_name: z.string(),
  }),
);
export type ProvisionerDaemonJob = z.infer<typeof ProvisionerDaemonJob>;

export const ProvisionerDaemon = named(
  "ProvisionerDaemon",
  z.object({
    id: Uuid,
    organization_id: Uuid,
    key_id: Uuid,
    created_at: Timestamp,
    last_seen_at: Timestamp.optional(),
    name: z.string(),
    version: z.string(),
    api_version: z.string(),
    provisioners: z.array(ProvisionerType),
    tags: Tags,
    key_name: z.string().nullable(),
    status: ProvisionerDaemonStatus.nullable(),
    current_job: ProvisionerDaemonJob.nullable(),
    previous_job: ProvisionerDaemonJob.nullable(),
  }),
);
export type ProvisionerDaemon = z.infer<typeof ProvisionerDaemon>;

/** Ids of the key records that every deployment has (provisioning.md 3.1). */
export const reservedProvisionerKeyIds = {
  builtIn: "00000000-0000-0000-0000-000000000001",
  userAuth: "00000000-0000-0000-0000-000000000002",
  psk: "00000000-0000-0000-0000-000000000003",
} as const;

/** What the reserved key records are called; nobody else's key is. */
export const reservedProvisionerKeyNames = {
  "built-in": reservedProvisionerKeyIds.builtIn,
  "user-auth": reservedProvisionerKeyIds.userAuth,
  psk: reservedProvisionerKeyIds.psk,
} as const;

/** A daemon whose last sign of life is older than this is offline. */
export const daemonOfflineAfterMs = 90_000;

const tag = "Provisioning";

export const getDaemons = defineRoute({
  operationId: "getProvisionerDaemons",
  method: "GET",
  path: "/organizations/:organization/provisionerdaemons",
  tag,
  summary: "List provisioner daemons",
  auth: "user",
  query: z.object({
    limit: QueryInt.optional(),
    offline: QueryBool.optional(),
    status: queryList(ProvisionerDaemonStatus).optional(),
    // A duration such as 24h.
    max_age: z.string().optional(),
    ids: queryList(Uuid).optional(),
    tags: QueryTags.optional(),
  }),
  responses: { 200: z.array(ProvisionerDaemon) },
});

/** The daemon's carrier: subprotocol `slipway.mux.v1`, RPC both ways on top. */
export const serveDaemon = defineRoute({
  operationId: "serveProvisionerDaemon",
  method: "GET",
  path: "/organizations/:organization/provisionerdaemons/serve",
  tag,
  summary: "Connect a provisioner daemon",
  auth: "provisioner",
  query: z.object({
    version: z.string().optional(),
    name: z.string().max(64).optional(),
    id: Uuid.optional(),
    provisioner: queryList(ProvisionerType).optional(),
    // Repeated, each `key=value`.
    tag: QueryStrings.optional(),
  }),
  responses: { 101: null },
  stream: "websocket",
});
