import { daemons, parseDuration } from "@slipway/api";
import { requireAccess } from "../access/authorize.ts";
import { acceptCarrier } from "../connections/accept-carrier.ts";
import type { Deps } from "../deps.ts";
import { invalidField } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { attemptsPerMinute } from "../http/rate-limit.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { authenticateDaemon } from "./authenticate-daemon.ts";
import { registerProvisionerKeyRoutes } from "./key-routes.ts";
import { listDaemons } from "./list-daemons.ts";
import type { Provisioners } from "./provisioners.ts";
import { checkServeRequest, readTags } from "./serve-query.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
/** Postgres counts back from now, and not beyond what it has dates for. */
const MAX_AGE_LIMIT_MS = 100 * 365 * 86_400_000;

/** Lets provisioner daemons in, lists them, and deals with their keys (provisioning.md §3). */
export function registerProvisionerRoutes(app: App, deps: Deps, provisioners: Provisioners): void {
  registerProvisionerKeyRoutes(app, deps);

  // All is decided before the upgrade, so that a refusal is an HTTP answer with its reason.
  registerRoute(app, daemons.serveDaemon, async (req) => {
    const identity = await authenticateDaemon(deps, app.steps.authenticate, {
      req: req.raw.raw,
      ip: req.ip,
      organization: req.params.organization,
      tags: readTags(req.query.tag ?? []),
      // Daemons with the right one come in crowds from one address.
      limitGuesses: (guess) =>
        app.steps.limitRate(req.raw, req.reply, {
          auth: undefined,
          ip: req.ip,
          operation: "provisioner daemon by pre-shared key",
          perMinute: attemptsPerMinute,
          isUncounted: guess === "before",
        }),
    });
    try {
      checkServeRequest(req.raw.raw, req.query);
    } catch (err) {
      const reason = err instanceof Error ? err.message : String(err);
      // Its operator is told too, but who runs the server may be another, and waits for this daemon.
      deps.log.warn({ daemon: req.query.name?.slice(0, 128), reason }, "a provisioner daemon was refused");
      throw err;
    }
    const carrier = await acceptCarrier(app, req);
    await provisioners.serveDaemon(carrier, identity);
    return handled;
  });

  registerRoute(app, daemons.getDaemons, async ({ auth, params, query }) => {
    const organization = await findOrganization(deps.db, auth.subject, params.organization);
    requireAccess(auth.subject, "read", { type: "provisioner_daemon", organizationId: organization.id });
    const maxAgeMs = query.max_age === undefined ? null : parseDuration(query.max_age);
    if (query.max_age !== undefined && (maxAgeMs === null || maxAgeMs < 0 || maxAgeMs > MAX_AGE_LIMIT_MS)) {
      const given = JSON.stringify(query.max_age.slice(0, 64));
      throw invalidField("max_age", `max_age must be a duration such as 24h, of 100y at most, got ${given}.`);
    }
    const found = await listDaemons(deps.db, organization.id, {
      ids: query.ids,
      tags: query.tags,
      maxAgeMs,
      statuses: query.status,
      // Offline ones are shown when asked for, by the flag or by name.
      withOffline: query.offline === true || query.status?.includes("offline") === true,
      limit: Math.min(query.limit && query.limit > 0 ? query.limit : DEFAULT_LIMIT, MAX_LIMIT),
    });
    return { status: 200, body: found };
  });
}
