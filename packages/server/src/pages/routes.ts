import type { Deps } from "../deps.ts";
import type { App } from "../http/app.ts";
import { sendPage } from "./page.ts";
import { startPage } from "./start-page.ts";
import { tokenPage } from "./token-page.ts";

/** The pages that people see in a browser. */
export function registerPageRoutes(app: App, { config }: Deps): void {
  app.get("/", async (_request, reply) =>
    sendPage(reply, startPage(config.accessUrl), config.additionalCspPolicy),
  );
  app.get("/cli-auth", async (_request, reply) => sendPage(reply, tokenPage, config.additionalCspPolicy));
}
