import { registerBinaryRoutes } from "./agents/binary-routes.ts";
import { registerAgentRoutes } from "./agents/routes.ts";
import { registerAuditRoutes } from "./audit/routes.ts";
import { queuedStartsPass } from "./builds/queued-starts.ts";
import { registerBuildsRoutes } from "./builds/routes.ts";
import { stopSuspendedPass } from "./builds/stop-suspended.ts";
import { registerHealthRoutes } from "./deployment/health-routes.ts";
import { createReplicas, type Replicas } from "./deployment/replicas.ts";
import { registerDeploymentRoutes } from "./deployment/routes.ts";
import type { Deps } from "./deps.ts";
import { registerFilesRoutes } from "./files/routes.ts";
import type { App } from "./http/app.ts";
import { createReaperPass } from "./jobs/reaper.ts";
import { registerJobRoutes } from "./jobs/routes.ts";
import { registerMemberRoutes } from "./organizations/member-routes.ts";
import { registerOrganizationRoutes } from "./organizations/routes.ts";
import { registerPageRoutes } from "./pages/routes.ts";
import type { Pass } from "./passes.ts";
import { createProvisioners, type Provisioners } from "./provisioners/provisioners.ts";
import { purgeDaemonsPass } from "./provisioners/purge-daemons.ts";
import { registerProvisionerRoutes } from "./provisioners/routes.ts";
import { registerDryRunRoutes } from "./templates/dry-run-routes.ts";
import { registerDynamicParameterRoutes } from "./templates/dynamic-parameter-routes.ts";
import { registerTemplatesRoutes } from "./templates/routes.ts";
import { registerVersionContentRoutes } from "./templates/version-content-routes.ts";
import { registerVersionRoutes } from "./templates/version-routes.ts";
import { purgeExpiredKeys } from "./tokens/purge-expired-keys.ts";
import { registerTokenRoutes } from "./tokens/routes.ts";
import { registerAccountRoutes } from "./users/account-routes.ts";
import { registerLoginRoutes } from "./users/login-routes.ts";
import { registerUserRoutes } from "./users/routes.ts";
import { registerWorkspacesRoutes } from "./workspaces/routes.ts";

/** What runs beside the routes. */
export type Features = {
  passes: readonly Pass[];
  provisioners: Provisioners;
  replicas: Replicas;
  /** Resolves when what connections leave to be written down is written, once they have ended. */
  settled(): Promise<void>;
};

/** Adds the routes of every feature. */
export function registerFeatures(app: App, deps: Deps): Features {
  registerDeploymentRoutes(app, deps);
  registerHealthRoutes(app, deps);
  registerAuditRoutes(app, deps);
  registerLoginRoutes(app, deps);
  registerUserRoutes(app, deps);
  registerAccountRoutes(app, deps);
  registerTokenRoutes(app, deps);
  registerOrganizationRoutes(app, deps);
  registerMemberRoutes(app, deps);
  registerFilesRoutes(app, deps);
  registerTemplatesRoutes(app, deps);
  registerVersionRoutes(app, deps);
  const agents = registerAgentRoutes(app, deps);
  registerVersionContentRoutes(app, deps, { live: agents.live });
  registerDryRunRoutes(app, deps, { live: agents.live });
  registerDynamicParameterRoutes(app, deps, { live: agents.live });
  registerBuildsRoutes(app, deps, { live: agents.live });
  registerJobRoutes(app, deps);
  const replicas = createReplicas(deps);
  const provisioners = createProvisioners(deps, { live: agents.live, isAlone: replicas.isAlone });
  registerProvisionerRoutes(app, deps, provisioners);
  registerBinaryRoutes(app, deps);
  registerPageRoutes(app, deps);
  registerWorkspacesRoutes(app, deps, { live: agents.live });
  return {
    settled: agents.seenOff,
    passes: [
      { name: "purge expired keys", everyMs: 10 * 60_000, runOnce: purgeExpiredKeys },
      replicas.pass,
      createReaperPass(),
      purgeDaemonsPass,
      queuedStartsPass,
      stopSuspendedPass,
      ...agents.passes,
    ],
    provisioners,
    replicas,
  };
}
