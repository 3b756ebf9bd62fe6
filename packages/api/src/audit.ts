import { z } from "zod";
import { QueryInt, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";
import { ReducedUser } from "./users.ts";

/** What can be done to a resource, as the audit log names it (rest-api.md 7). */
export const auditActions = [
  "create",
  "write",
  "delete",
  "start",
  "stop",
  "login",
  "logout",
  "register",
  "request_password_reset",
  "connect",
  "disconnect",
  "open",
  "close",
] as const;
export type AuditAction = (typeof auditActions)[number];

/** The kinds of resources that the audit log tells of. */
export const auditResourceTypes = [
  "template",
  "template_version",
  "user",
  "workspace",
  "workspace_build",
  "workspace_agent",
  "workspace_app",
  "git_ssh_key",
  "api_key",
  "group",
  "organization",
  "organization_member",
  "custom_role",
  "provisioner_key",
  "health_settings",
] as const;
export type AuditResourceType = (typeof auditResourceTypes)[number];

export const AuditDiffField = named(
  "AuditDiffField",
  z.object({
    old: z.unknown().optional(),
    new: z.unknown().optional(),
    /** The values are not told, only that they differ. */
    secret: z.boolean(),
  }),
);

export const AuditLog = named(
  "AuditLog",
  z.object({
    id: Uuid,
    /** The nil UUID, as for `resource_id`, where there is none. */
    request_id: Uuid,
    time: Timestamp,
    ip: z.string(),
    user_agent: z.string(),
    // Open lists: a newer server may have written entries of kinds that this one does not know.
    resource_type: z.string(),
    resource_id: Uuid,
    resource_target: z.string(),
    resource_icon: z.string(),
    action: z.string(),
    diff: z.record(z.string(), AuditDiffField),
    status_code: z.number().int(),
    additional_fields: z.record(z.string(), z.unknown()),
    /** A sentence with the placeholders `{user}` and `{target}`. */
    description: z.string(),
    resource_link: z.string(),
    is_deleted: z.boolean(),
    organization_id: Uuid,
    organization: z
      .object({ id: Uuid, name: z.string(), display_name: z.string(), icon: z.string() })
      .optional(),
    user: ReducedUser.nullable(),
  }),
);
export type AuditLog = z.infer<typeof AuditLog>;

/** Entries beyond this are not counted: it would mean reading all of them. */
export const auditCountCap = 2000;

export const AuditLogResponse = named(
  "AuditLogResponse",
  z.object({
    audit_logs: z.array(AuditLog),
    /** At most one more than `count_cap`, which then stands for "more than that". */
    count: z.number().int(),
    count_cap: z.number().int(),
  }),
);
export type AuditLogResponse = z.infer<typeof AuditLogResponse>;

/** How many entries come at most in one answer. */
export const maxAuditLogs = 1000;

export const listAuditLogs = defineRoute({
  operationId: "listAuditLogs",
  method: "GET",
  path: "/audit",
  tag: "Audit",
  summary: "List the entries of the audit log, newest first",
  description:
    "Without a limit, or with one of 0, 100 entries are sent. Keys of q: request_id, resource_id, resource_target, " +
    "resource_type, action, username, email, date_from, date_to, build_reason, organization. Free text is a " +
    "resource_type.",
  auth: "user",
  query: z.object({
    q: z.string().optional(),
    limit: QueryInt.refine((limit) => limit <= maxAuditLogs, {
      error: `must be at most ${maxAuditLogs}. Use offset for what follows.`,
    }).optional(),
    offset: QueryInt.optional(),
  }),
  responses: { 200: AuditLogResponse },
  errors: { 403: "The caller may read the audit log of no organization." },
});
