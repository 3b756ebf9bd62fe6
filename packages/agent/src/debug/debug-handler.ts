import { createReadStream } from "node:fs";
import type { RequestListener } from "node:http";
import type { Manifest } from "@slipway/proto/agent";

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** `/debug/logs` and `/debug/manifest`, the latter with nothing that is secret: names only. */
export function createDebugHandler(deps: {
  logPath: string | undefined;
  manifest: () => Manifest | undefined;
  state: () => Record<string, unknown>;
}): RequestListener {
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    if (request.method !== "GET") {
      response.writeHead(405, { Allow: "GET" }).end();
    } else if (path === "/debug/logs" && deps.logPath !== undefined) {
      response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
      const file = createReadStream(deps.logPath, { end: MAX_LOG_BYTES - 1 });
      file.on("error", () => response.end()).pipe(response);
    } else if (path === "/debug/manifest") {
      const manifest = deps.manifest();
      sendJson(response, manifest === undefined ? null : withoutSecrets(manifest));
    } else if (path === "/debug/state") {
      sendJson(response, deps.state());
    } else {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
    }
  };
}

function sendJson(response: Parameters<RequestListener>[1], body: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(`${JSON.stringify(body, null, 2)}\n`);
}

/** Values of variables and texts of scripts may hold secrets: they stay out. */
function withoutSecrets(manifest: Manifest): Record<string, unknown> {
  return {
    agent_id: manifest.agentId,
    agent_name: manifest.agentName,
    owner_username: manifest.ownerUsername,
    workspace_id: manifest.workspaceId,
    workspace_name: manifest.workspaceName,
    directory: manifest.directory,
    environment_variables: Object.keys(manifest.environmentVariables),
    scripts: manifest.scripts.map(({ displayName, cron, runOnStart, runOnStop, timeoutSeconds }) => ({
      display_name: displayName,
      cron,
      run_on_start: runOnStart,
      run_on_stop: runOnStop,
      timeout_seconds: timeoutSeconds,
    })),
    apps: manifest.apps.map(({ slug, healthcheck }) => ({ slug, healthcheck: healthcheck !== undefined })),
    metadata: manifest.metadata.map(({ key, intervalSeconds }) => ({
      key,
      interval_seconds: intervalSeconds,
    })),
  };
}
