import { randomUUID } from "node:crypto";
import type { audit as api } from "@slipway/api";
import type { Db, Tx } from "../db/db.ts";
import type { AuditDiff } from "../db/schema/columns.ts";
import type { Clock } from "../deps.ts";

type AuditAction = api.AuditAction;
type AuditResourceType = api.AuditResourceType;

export type AuditEntry = {
  action: AuditAction;
  resourceType: AuditResourceType;
  resourceId: string;
  /** What people call the resource: a name, not an id. */
  resourceTarget: string;
  resourceIcon?: string;
  organizationId?: string | undefined;
  diff?: AuditDiff;
  statusCode: number;
  /** Who did it. Absent for background passes, which say who they are in `additionalFields`. */
  userId?: string | undefined;
  request?: { ip: string; userAgent: string; requestId: string } | undefined;
  additionalFields?: Record<string, unknown>;
};

export type Audit = {
  /** Writes the entry with the change it is about: give the transaction that makes the change. */
  record(executor: Db | Tx, entry: AuditEntry): Promise<void>;
};

export function createAudit(deps: { clock: Clock }): Audit {
  return {
    async record(executor, entry) {
      await executor
        .insertInto("audit_logs")
        .values({
          id: randomUUID(),
          time: deps.clock.now(),
          user_id: entry.userId ?? null,
          organization_id: entry.organizationId ?? null,
          ip: entry.request?.ip ?? null,
          user_agent: entry.request?.userAgent.slice(0, 1024) ?? "",
          resource_type: entry.resourceType,
          // Resources with ids that are no UUIDs, such as keys, are found by their target.
          resource_id: isUuid(entry.resourceId) ? entry.resourceId : null,
          resource_target: entry.resourceTarget,
          resource_icon: entry.resourceIcon ?? "",
          action: entry.action,
          diff: JSON.stringify(entry.diff ?? {}),
          status_code: entry.statusCode,
          additional_fields: JSON.stringify(entry.additionalFields ?? {}),
          request_id: entry.request?.requestId ?? null,
        })
        .execute();
    },
  };
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
