import { audit } from "@slipway/api";
import { grantFor } from "../access/grant.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { listAuditLogs } from "./list-audit-logs.ts";

/** Reading the audit log: Owners and auditors all of it, auditors of an organization what happened there. */
export function registerAuditRoutes(app: App, { db }: Deps): void {
  registerRoute(app, audit.listAuditLogs, async ({ auth, query }) => {
    const grant = grantFor(auth.subject, "read", "audit_log");
    if (!grant || (!grant.everywhere && grant.organizations.length === 0)) {
      throw new ApiError("forbidden", "You do not have permission for this.", {
        detail: "It needs the permission audit_log:read, for the site or for an organization.",
      });
    }
    return { status: 200, body: await listAuditLogs(db, auth.subject, query) };
  });
}
