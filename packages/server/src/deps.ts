import type { TemplateCache } from "@slipway/template";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Audit } from "./audit/audit.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import type { ServerConfig } from "./config/server-options.ts";
import type { Keyring } from "./crypto/keyring.ts";
import type { Db } from "./db/db.ts";
import type { Events } from "./events/events.ts";

export type Clock = { now(): Date };

/** Where the executables for workspaces come from, by their name under `/bin/`. */
export type BinarySource = {
  /** Waits while the executable is being made. `notFound` says what to do instead. */
  get(name: string, signal?: AbortSignal): Promise<BinaryFile | { notFound: string }>;
  /** Makes everything that is missing, in the background. */
  warm(): void;
  close(): Promise<void>;
};

export type BinaryFile = {
  path: string;
  gzipPath?: string | undefined;
  zstdPath?: string | undefined;
  /** Hash of the content, without quotes. */
  etag: string;
  sizeBytes: number;
};

/** What the features of the server are made of. Built once, in `server.ts`. */
export type Deps = Readonly<{
  db: Db;
  events: Events;
  clock: Clock;
  log: Logger;
  keyring: Keyring;
  config: ServerConfig;
  /** Where each setting was read from, when it was read. */
  configSources: LoadedConfig["sources"] | null;
  audit: Audit;
  /** Aborted when the server stops. */
  signal: AbortSignal;
  deploymentId: string;
  replicaId: string;
  metrics: Registry;
  /** Archives of templates as syntax trees, for tags and parameters that are evaluated. */
  templates: TemplateCache;
  /** `null` when this installation has no executables to serve. */
  binaries: BinarySource | null;
}>;
