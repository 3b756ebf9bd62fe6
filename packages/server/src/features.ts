import { registerDeploymentRoutes } from "./deployment/routes.ts";
import type { Deps } from "./deps.ts";
import type { App } from "./http/app.ts";

/** Adds the routes of every feature. */
export function registerFeatures(app: App, deps: Deps): void {
  registerDeploymentRoutes(app, deps);
}
