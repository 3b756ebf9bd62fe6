import type { Deps } from "./deps.ts";
import type { App } from "./http/app.ts";

/** Adds the routes of every feature. */
export function registerFeatures(_app: App, _deps: Deps): void {}
