import { daemons, parseDuration } from "@slipway/api";
import { requireAccess } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { listDaemons } from "./list-daemons.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** Lists provisioner daemons (provisioning.md §3.4). */
export function registerProvisionerRoutes(app: App, deps: Deps): void {
  registerRoute(app, daemons.getDaemons, async ({ auth, params, query }) => {
    const organization = await findOrganization(deps.db, auth.subject, params.organization);
    requireAccess(auth.subject, "read", { type: "provisioner_daemon", organizationId: organization.id });
    const maxAgeMs = query.max_age === undefined ? null : parseDuration(query.max_age);
    if (query.max_age !== undefined && maxAgeMs === null) {
      throw new ApiError(
        "bad_request",
        `max_age must be a duration such as 24h, got ${JSON.stringify(query.max_age)}.`,
      );
    }
    const found = await listDaemons(deps.db, organization.id, {
      ids: query.ids,
      tags: query.tags,
      maxAgeMs,
      statuses: query.status,
      // Offline ones are shown when asked for, by the flag or by name.
      withOffline: query.offline === true || query.status?.includes("offline") === true,
      limit: Math.min(query.limit || DEFAULT_LIMIT, MAX_LIMIT),
      now: deps.clock.now(),
    });
    return { status: 200, body: found };
  });
}
