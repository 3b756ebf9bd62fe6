import { isDeepStrictEqual } from "node:util";
import { health, nilUuid } from "@slipway/api";
import { sql } from "kysely";
import { requirePermission } from "../access/require-permission.ts";
import type { Deps } from "../deps.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { registerWebSocketRoute } from "../http/websocket-route.ts";
import { createHealthFindings, toHealthReport } from "./health/health-report.ts";
import { readHealthSettings, writeHealthSettings } from "./health/health-settings.ts";

const maxEchoBytes = 1024;
const echoWithinMs = 10_000;
/** Serialises changes of the settings. */
const settingsLock = 0x736c_7704;

/** How well the deployment is, for those who look after it. */
export function registerHealthRoutes(app: App, deps: Deps): void {
  const { db, audit } = deps;
  const findings = createHealthFindings(deps);
  const requireDebugInfo = (auth: Auth) => requirePermission(auth.subject, "read", { type: "debug_info" });

  registerRoute(app, health.getHealth, async ({ auth, query }) => {
    requireDebugInfo(auth);
    const found = await findings({ force: query.force ?? false });
    return { status: 200, body: toHealthReport(found, await readHealthSettings(db)) };
  });

  registerRoute(app, health.getHealthSettings, async ({ auth }) => {
    requireDebugInfo(auth);
    return { status: 200, body: await readHealthSettings(db) };
  });

  registerRoute(app, health.updateHealthSettings, async (req) => {
    requirePermission(req.auth.subject, "update", { type: "deployment_config" });
    const dismissed = health.healthSections.filter((each) => req.body.dismissed_healthchecks.includes(each));
    const settings: health.HealthSettings = { dismissed_healthchecks: dismissed };
    const isChanged = await db.transaction().execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(${settingsLock})`.execute(tx);
      const before = await readHealthSettings(tx);
      if (isDeepStrictEqual(before, settings)) return false;
      await writeHealthSettings(tx, settings);
      await audit.record(tx, {
        action: "write",
        resourceType: "health_settings",
        resourceId: nilUuid,
        resourceTarget: "",
        userId: req.auth.user.id,
        diff: {
          dismissed_healthchecks: { old: before.dismissed_healthchecks, new: dismissed, secret: false },
        },
        statusCode: 200,
        request: req,
      });
      return true;
    });
    return isChanged ? { status: 200, body: settings } : { status: 204 };
  });

  // Open to all, so that the server need not send anybody's key to its own address, which may be set wrongly.
  registerWebSocketRoute(app, health.echoWebsocket, () => {}, {
    maxPayloadBytes: maxEchoBytes,
    heartbeat: false,
    onOpen(socket) {
      const timer = setTimeout(() => socket.close(1000, "Nothing came."), echoWithinMs);
      socket.on("close", () => clearTimeout(timer));
      socket.once("message", (data, isBinary) => {
        socket.send(data, { binary: isBinary });
        socket.close(1000);
      });
    },
  });
}
