import { apiKeys, buildOpenApi, general } from "@slipway/api";
import { agentInitScript, supportedPlatforms } from "@slipway/template";
import { requirePermission } from "../access/require-permission.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { daemonApiVersion } from "../provisioners/daemon-version.ts";
import { answerChecks } from "./answer-checks.ts";
import { countWorkspaces } from "./count-workspaces.ts";
import { describeCspReport } from "./describe-csp-report.ts";
import { entitlements } from "./entitlements.ts";
import { sshConfigOptions } from "./ssh-config-options.ts";
import { toApiConfig } from "./to-api-config.ts";
import { agentApiVersion, buildVersion } from "./version.ts";

// Anybody may report: no more than a page with a wrong policy makes of itself.
const cspReportsPerMinute = 60;
const cspReportBytes = 16 * 1024;

/** What the deployment tells of itself. */
export function registerDeploymentRoutes(app: App, deps: Deps): void {
  const { config, db, clock, log } = deps;
  const plain = { "Content-Type": "text/plain; charset=utf-8" };
  // Read once: options that must not be pushed to users keep the server from starting.
  const sshOptions = sshConfigOptions(config.sshConfigOptions);

  registerRoute(app, general.getRoot, async () => ({
    status: 200,
    body: { message: "Welcome to the API of this deployment. It is described at /api/v2/openapi.json." },
  }));

  // Of the routes that are served, and of no others. Built when first asked for: it takes a while.
  let openApi: Record<string, unknown> | undefined;
  registerRoute(app, general.getOpenApi, async () => {
    openApi ??= buildOpenApi(app.steps.routes, { title: "Slipway API", version: buildVersion });
    return { status: 200, body: openApi };
  });

  registerRoute(app, general.getBuildInfo, async () => ({
    status: 200,
    body: {
      external_url: "",
      version: buildVersion,
      dashboard_url: config.accessUrl,
      oauth2_provider: false,
      telemetry: false,
      workspace_proxy: false,
      agent_api_version: agentApiVersion,
      provisioner_api_version: daemonApiVersion,
      upgrade_message: config.cliUpgradeMessage,
      deployment_id: deps.deploymentId,
    },
  }));

  registerRoute(app, general.getUpdateCheck, async () => ({
    status: 200,
    body: { current: true, version: buildVersion, url: "" },
  }));

  registerRoute(app, general.getAppearance, async () => ({
    status: 200,
    body: {
      application_name: "",
      logo_url: "",
      docs_url: config.docsUrl,
      service_banner: { enabled: false },
      announcement_banners: [],
    },
  }));

  registerRoute(app, general.getExperiments, async () => ({ status: 200, body: [] }));
  registerRoute(app, general.getAvailableExperiments, async () => ({ status: 200, body: { safe: [] } }));

  registerRoute(app, general.getEntitlements, async () => ({
    status: 200,
    body: entitlements(clock.now()),
  }));

  registerRoute(app, general.getRegions, async () => ({
    status: 200,
    body: {
      regions: [
        {
          id: deps.deploymentId,
          name: "primary",
          display_name: "Default",
          icon_url: "",
          healthy: true,
          path_app_url: config.accessUrl,
          wildcard_hostname: config.wildcardAccessUrl,
        },
      ],
    },
  }));

  // Web apps are not served yet: there is no host, whatever is configured.
  registerRoute(app, general.getAppHost, async () => ({ status: 200, body: { host: "" } }));

  registerRoute(
    app,
    general.reportCspViolation,
    async ({ body, ip }) => {
      log.warn({ ip, ...describeCspReport(body["csp-report"]) }, "a browser reported a CSP violation");
      return { status: 200, body: { message: "ok" } };
    },
    { rateLimitPerMinute: cspReportsPerMinute, bodyLimitBytes: cspReportBytes },
  );

  registerRoute(app, general.checkAuthorization, async ({ auth, body }) => ({
    status: 200,
    body: await answerChecks(db, auth.subject, body.checks),
  }));

  registerRoute(app, general.getDeploymentConfig, async ({ auth }) => {
    requirePermission(auth.subject, "read", { type: "deployment_config" });
    return { status: 200, body: toApiConfig(config, deps.configSources) };
  });

  registerRoute(app, general.getDeploymentStats, async ({ auth }) => {
    requirePermission(auth.subject, "read", { type: "deployment_stats" });
    const now = clock.now();
    return {
      status: 200,
      body: {
        aggregated_from: now.toISOString(),
        collected_at: now.toISOString(),
        next_update_at: now.toISOString(),
        workspaces: {
          ...(await countWorkspaces(db)),
          // Figures of connections are not collected yet.
          connection_latency_ms: { P50: 0, P95: 0 },
          rx_bytes: 0,
          tx_bytes: 0,
        },
        session_count: { vscode: 0, ssh: 0, jetbrains: 0, reconnecting_pty: 0 },
      },
    };
  });

  registerRoute(app, general.getSSHConfig, async () => ({
    status: 200,
    body: {
      hostname_prefix: "coder.",
      hostname_suffix: config.workspaceHostnameSuffix,
      ssh_config_options: sshOptions,
    },
  }));

  registerRoute(app, apiKeys.getScopes, async () => ({
    status: 200,
    body: { external: [...apiKeys.requestableScopes] },
  }));

  registerRoute(app, general.getInitScript, async ({ params: { os, arch } }) => {
    if (!supportedPlatforms.some((platform) => platform.os === os && platform.arch === arch)) {
      const names = supportedPlatforms.map((platform) => `${platform.os}/${platform.arch}`).join(", ");
      throw new ApiError("not_found", `There is no agent for ${os}/${arch}.`, {
        detail: `There are ${names}.`,
      });
    }
    const script = agentInitScript(os, arch)
      .replaceAll(/\$\{ACCESS_URL\}/g, `${config.accessUrl}/`)
      .replaceAll(/\$\{AUTH_TYPE\}/g, "token");
    return { status: 200, headers: plain, body: script };
  });

  registerRoute(app, general.healthz, async () => ({ status: 200, headers: plain, body: "OK" }));
  registerRoute(app, general.latencyCheck, async () => ({
    status: 200,
    // Proxies of other regions measure from the dashboard's page.
    headers: { ...plain, "Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*" },
    body: "OK",
  }));
}
