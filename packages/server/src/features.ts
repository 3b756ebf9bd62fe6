import { registerBinaryRoutes } from "./agents/binary-routes.ts";
import { registerAgentRoutes } from "./agents/routes.ts";
import { registerDeploymentRoutes } from "./deployment/routes.ts";
import type { Deps } from "./deps.ts";
import type { App } from "./http/app.ts";
import type { Pass } from "./passes.ts";

/** What runs beside the routes. */
export type Features = { passes: readonly Pass[] };

/** Adds the routes of every feature. */
export function registerFeatures(app: App, deps: Deps): Features {
  registerDeploymentRoutes(app, deps);
  registerBinaryRoutes(app, deps);
  const agents = registerAgentRoutes(app, deps);
  return { passes: [...agents.passes] };
}
