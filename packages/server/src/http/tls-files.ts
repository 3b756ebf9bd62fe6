import { type FSWatcher, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { SecureContextOptions, SecureVersion, TlsOptions } from "node:tls";
import type { Logger } from "pino";
import type { ServerConfig } from "../config/server-options.ts";

export type TlsFiles = {
  options: TlsOptions;
  /** Calls back with new certificates when their files change; returns what stops it. */
  onChange(apply: (options: SecureContextOptions) => void): () => void;
};

const versions: Record<ServerConfig["tlsMinVersion"], SecureVersion> = {
  tls10: "TLSv1",
  tls11: "TLSv1.1",
  tls12: "TLSv1.2",
  tls13: "TLSv1.3",
};
// Tools that renew certificates write several files, one after the other.
const settleMs = 500;

/** Reads the certificates that the server shows, and goes on watching their files. */
export function loadTlsFiles(config: ServerConfig, log: Logger): TlsFiles {
  const paths = [...config.tlsCertFiles, ...config.tlsKeyFiles, config.tlsClientCaFile].filter(Boolean);
  const requestsCert = config.tlsClientAuth !== "none";
  const verifies =
    config.tlsClientAuth === "verify-if-given" || config.tlsClientAuth === "require-and-verify";
  const requires = config.tlsClientAuth === "require-any" || config.tlsClientAuth === "require-and-verify";
  return {
    options: {
      ...secureContext(config),
      requestCert: requestsCert,
      // Only one of the five modes means what this option does; without it anyone may pass unverified.
      rejectUnauthorized: verifies && requires,
    },
    onChange(apply) {
      let timer: NodeJS.Timeout | undefined;
      const reload = () => {
        try {
          apply(secureContext(config));
          log.info("the TLS certificates were read again");
        } catch (err) {
          // Half-written files: the next change brings the whole ones.
          log.warn({ err }, "the TLS certificates could not be read again, the present ones stay");
        }
      };
      const changed = () => {
        clearTimeout(timer);
        timer = setTimeout(reload, settleMs);
      };
      const watchers = watchDirectories(paths, changed);
      return () => {
        clearTimeout(timer);
        for (const watcher of watchers) watcher.close();
      };
    },
  };
}

function secureContext(config: ServerConfig): SecureContextOptions {
  return {
    cert: config.tlsCertFiles.map((path) => readFileSync(path)),
    key: config.tlsKeyFiles.map((path) => readFileSync(path)),
    minVersion: versions[config.tlsMinVersion],
    ...(config.tlsClientCaFile ? { ca: readFileSync(config.tlsClientCaFile) } : {}),
    ...(config.tlsCiphers.length > 0 ? { ciphers: config.tlsCiphers.join(":") } : {}),
  };
}

/** Directories, not files: renewing replaces the file, or a link on the way to it (Kubernetes). */
function watchDirectories(paths: readonly string[], changed: () => void): FSWatcher[] {
  const directories = new Set(paths.map((path) => dirname(path)));
  const names = new Set(paths.map((path) => basename(path)));
  return Array.from(directories, (directory) =>
    watch(directory, { persistent: false }, (_, name) => {
      if (name === null || names.has(name) || name.startsWith("..")) changed();
    }),
  );
}
