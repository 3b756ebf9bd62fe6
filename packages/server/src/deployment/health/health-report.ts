import type { health } from "@slipway/api";
import type { Deps } from "../../deps.ts";
import { buildVersion } from "../version.ts";
import { checkAccessUrl } from "./check-access-url.ts";
import { checkDatabase } from "./check-database.ts";
import { checkProvisionerDaemons } from "./check-provisioner-daemons.ts";
import { checkWebsocket } from "./check-websocket.ts";
import { found } from "./section.ts";

/** For the checks that go over the network: whoever waits for the report would give up. */
const checkTimeoutMs = 5_000;

/** The findings, without the settings: those count when they are read. */
export type HealthFindings = {
  at: Date;
  accessUrl: Omit<health.AccessUrlReport, "dismissed">;
  database: Omit<health.DatabaseReport, "dismissed">;
  websocket: Omit<health.WebsocketReport, "dismissed">;
  provisionerDaemons: Omit<health.ProvisionerDaemonsReport, "dismissed">;
};

/**
 * Makes health reports, and keeps the last one for as long as it counts: checks open connections, and pages ask
 * for reports often. Several who ask at once get the same.
 */
export function createHealthFindings(deps: Pick<Deps, "db" | "clock" | "config" | "signal">) {
  const { db, clock, config } = deps;
  let kept: HealthFindings | undefined;
  let making: Promise<HealthFindings> | undefined;

  async function make(): Promise<HealthFindings> {
    const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(checkTimeoutMs)]);
    const at = clock.now();
    const database = await checkDatabase(db, config.healthCheckThresholdDatabaseMs);
    const [accessUrl, websocket, provisionerDaemons] = await Promise.all([
      checkAccessUrl(config.accessUrl, signal),
      checkWebsocket(config.accessUrl, signal),
      checkProvisionerDaemons(db),
    ]);
    kept = { at, accessUrl, database, websocket, provisionerDaemons };
    return kept;
  }

  return async ({ force }: { force: boolean }): Promise<HealthFindings> => {
    const ageMs = kept ? clock.now().getTime() - kept.at.getTime() : Number.POSITIVE_INFINITY;
    if (kept && !force && ageMs < config.healthCheckRefreshMs) return kept;
    making ??= make().finally(() => (making = undefined));
    return making;
  };
}

/** Puts findings and settings together. What is dismissed is still told, and does not count for the whole. */
export function toHealthReport(
  findings: HealthFindings,
  settings: health.HealthSettings,
): health.HealthcheckReport {
  const dismissed = (section: health.HealthSection) => settings.dismissed_healthchecks.includes(section);
  const sections = {
    access_url: { ...findings.accessUrl, dismissed: dismissed("AccessURL") },
    database: { ...findings.database, dismissed: dismissed("Database") },
    websocket: { ...findings.websocket, dismissed: dismissed("Websocket") },
    provisioner_daemons: { ...findings.provisionerDaemons, dismissed: dismissed("ProvisionerDaemons") },
    derp: { ...found(), dismissed: dismissed("DERP"), regions: {} },
    workspace_proxy: {
      ...found(),
      dismissed: dismissed("WorkspaceProxy"),
      workspace_proxies: { regions: [] },
    },
  };
  const counting = Object.values(sections).filter((section) => !section.dismissed);
  const has = (severity: health.HealthSeverity) => counting.some((section) => section.severity === severity);
  return {
    time: findings.at.toISOString(),
    healthy: counting.every((section) => section.healthy),
    severity: has("error") ? "error" : has("warning") ? "warning" : "ok",
    coder_version: buildVersion,
    ...sections,
  };
}
