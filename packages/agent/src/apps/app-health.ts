import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Manifest } from "@slipway/proto/agent";
import type { App } from "@slipway/proto/provisioner";
import type { ServerLink } from "../connection/server-link.ts";
import { errorText, type Log } from "../log/log.ts";

const SEND_TICK_MS = 1000;

type Health = "initializing" | "healthy" | "unhealthy";

/** Checks the apps that have a healthcheck, each at its interval; what changed is sent once a second at most. */
export function startAppHealth(deps: {
  manifest: () => Manifest;
  link: ServerLink;
  log: Log;
  signal: AbortSignal;
}): void {
  const { link, log, signal } = deps;
  const apps = deps.manifest().apps.filter((app) => (app.healthcheck?.url ?? "") !== "" && app.id !== "");
  if (apps.length === 0) return;
  let changed = new Map<string, Health>();
  let sending = false;

  const send = async () => {
    if (sending || changed.size === 0) return;
    sending = true;
    const batch = [...changed].map(([appId, health]) => ({ appId, health }));
    changed = new Map();
    try {
      await link.call((client, options) => client.batchUpdateAppHealth({ apps: batch }, options), signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ error: errorText(error) }, "the server refused app health");
    }
    sending = false;
  };
  const timers = apps.map((app) => watchApp(app, signal, (health) => changed.set(app.id, health)));
  timers.push(setInterval(() => void send(), SEND_TICK_MS));
  signal.addEventListener("abort", () => timers.forEach(clearInterval), { once: true });
}

function watchApp(app: App, signal: AbortSignal, onChange: (health: Health) => void): NodeJS.Timeout {
  const { url, intervalSeconds, threshold } = app.healthcheck ?? {
    url: "",
    intervalSeconds: 0,
    threshold: 0,
  };
  const intervalMs = Math.max(1, intervalSeconds) * 1000;
  let failures = 0;
  let health: Health = "initializing";
  let busy = false;
  const check = async () => {
    if (busy) return;
    busy = true;
    const good = await isHealthy(url, intervalMs, signal);
    busy = false;
    failures = good ? 0 : failures + 1;
    const next = good ? "healthy" : failures >= Math.max(1, threshold) ? "unhealthy" : health;
    if (next !== health) onChange(next);
    health = next;
  };
  const timer = setInterval(() => void check(), intervalMs);
  void check();
  return timer;
}

/** Any answer below 500 within the interval is good: the app talks. */
export function isHealthy(url: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const request = url.startsWith("https:") ? httpsRequest : httpRequest;
      // Apps in a workspace have certificates of their own making, and nothing secret is sent.
      const options = {
        rejectUnauthorized: false,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      };
      const call = request(url, options, (response) => {
        resolve((response.statusCode ?? 500) < 500);
        response.destroy();
      });
      call.on("error", () => resolve(false));
      call.end();
    } catch {
      // Not a URL that can be asked.
      resolve(false);
    }
  });
}
