import { randomUUID } from "node:crypto";
import type { Carrier } from "@slipway/mux";
import { createTemplateCache } from "@slipway/template";
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { createAudit } from "./audit/audit.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import type { ServerConfig } from "./config/server-options.ts";
import { checkKeyring, loadKeyring } from "./crypto/load-keyring.ts";
import { createDb } from "./db/db.ts";
import { migrate } from "./db/migrate.ts";
import { ensureDeploymentId } from "./deployment/deployment-id.ts";
import type { BinarySource, Clock, Deps } from "./deps.ts";
import { startEvents } from "./events/events.ts";
import { registerFeatures } from "./features.ts";
import { createApp } from "./http/app.ts";
import { type Listener, listen } from "./http/listener.ts";
import { upgradeListener } from "./http/websocket-route.ts";
import { ensureDefaultOrganization } from "./organizations/default-organization.ts";
import { startPasses } from "./passes.ts";

export type StartServerOptions = {
  config: ServerConfig;
  log: Logger;
  /** The database, embedded or not: this server does not care. */
  databaseUrl: string;
  /** Where a key for secrets is kept when none is configured. Only with the embedded database. */
  keyFile?: string | undefined;
  /** Further addresses (host:port) for plain HTTP, besides the configured ones. */
  extraAddresses?: readonly string[];
  binaries?: BinarySource | null;
  clock?: Clock;
  /** Where the settings were read from, as `loadConfig` tells. */
  configSources?: LoadedConfig["sources"];
  /** How long running requests may go on when the server closes. */
  closeGraceMs?: number;
  /** In tests: answers are held against their schemas. */
  checkAnswers?: boolean;
};

export type Server = {
  /** How this machine reaches the first listener. */
  url: string;
  /** What it listens on. */
  urls: readonly string[];
  deps: Deps;
  /** A connection for a provisioner daemon of this very process: what `startDaemon` dials. */
  connectBuiltinDaemon(): Promise<Carrier>;
  /** Stops listening, ends connections in order, and then everything else. May be called again. */
  close(): Promise<void>;
};

/** Starts the control plane. When it resolves, requests are answered. */
export async function startServer(options: StartServerOptions): Promise<Server> {
  const { log, databaseUrl } = options;
  const clock = options.clock ?? { now: () => new Date() };
  const cleanups: (() => Promise<unknown>)[] = [];
  const cleanUp = async () => {
    for (const each of cleanups.splice(0).reverse()) {
      await each().catch((err: unknown) => log.error({ err }, "a part of the server did not stop in order"));
    }
  };
  try {
    const { config, keyFile } = options;
    // Addresses first: a port that is taken is known before anything is touched.
    const listeners = await openListeners(options);
    cleanups.push(() => closeAll(listeners, 0));
    const url = listeners[0]!.url;

    const [keyring] = await Promise.all([
      loadKeyring({ configured: config.externalTokenEncryptionKeys, keyFile }),
      migrate(databaseUrl),
    ]);
    const db = createDb({
      url: databaseUrl,
      maxOpen: config.postgresConnMaxOpen,
      maxIdle: maxIdle(config),
      log,
    });
    cleanups.push(() => db.destroy());
    const [deploymentId] = await Promise.all([
      ensureDeploymentId(db),
      checkKeyring(db, keyring),
      ensureDefaultOrganization(db, clock),
    ]);
    // Last: the listener connects again and again by itself, so nothing may fail between its start and its entry
    // among what is cleaned up.
    const events = await startEvents({ url: databaseUrl, log: log.child({ logger: "coderd.events" }) });
    cleanups.push(() => events.close());

    const stopping = new AbortController();
    const deps: Deps = Object.freeze({
      db,
      events,
      clock,
      log,
      keyring,
      config: Object.freeze({ ...config, accessUrl: config.accessUrl || url }),
      configSources: options.configSources ?? null,
      audit: createAudit({ clock }),
      signal: stopping.signal,
      deploymentId,
      replicaId: randomUUID(),
      metrics: new Registry(),
      templates: createTemplateCache(),
      binaries: options.binaries ?? null,
    });
    const app = createApp({ deps, checkAnswers: options.checkAnswers ?? false });
    const features = registerFeatures(app, deps);
    await app.ready();
    for (const listener of listeners) {
      listener.serve({ request: app.routing, upgrade: upgradeListener(app) });
    }
    if (config.prometheusEnable) {
      const { serveMetrics } = await import("./metrics/serve-metrics.ts");
      const metricsListener = await serveMetrics(config.prometheusAddress, deps.metrics);
      cleanups.push(() => metricsListener.close(0));
    }
    const stopPasses = startPasses(features.passes, deps);

    let closing: Promise<void> | undefined;
    const close = async () => {
      const graceMs = options.closeGraceMs ?? 5_000;
      const closed = closeAll(listeners, graceMs);
      stopping.abort(new DOMException("The server is stopping.", "AbortError"));
      await app.close();
      await closed;
      // Before the database goes: agents that say goodbye have it written down.
      await features.settled();
      await features.provisioners.close();
      await stopPasses();
      await features.replicas.leave();
      await cleanUp();
    };
    return {
      url,
      urls: listeners.map((listener) => listener.boundUrl),
      deps,
      connectBuiltinDaemon: features.provisioners.connectBuiltinDaemon,
      close: () => (closing ??= close()),
    };
  } catch (err) {
    await cleanUp();
    throw err;
  }
}

async function openListeners({ config, log, extraAddresses = [] }: StartServerOptions): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const address of [config.httpAddress, ...extraAddresses]) {
      if (address !== "") listeners.push(await listen(address));
    }
    if (config.tlsEnable) {
      const { loadTlsFiles } = await import("./http/tls-files.ts");
      listeners.push(await listen(config.tlsAddress, loadTlsFiles(config, log)));
    }
    return listeners;
  } catch (err) {
    await closeAll(listeners, 0);
    throw err;
  }
}

async function closeAll(listeners: readonly Listener[], graceMs: number): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close(graceMs)));
}

function maxIdle(config: ServerConfig): number {
  const given = Number(config.postgresConnMaxIdle);
  return Number.isInteger(given) && given >= 0 ? given : Math.ceil(config.postgresConnMaxOpen / 3);
}
