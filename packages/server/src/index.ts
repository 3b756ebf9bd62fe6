export { ConfigError, type LoadedConfig, loadConfig, type ValueSource } from "./config/load-config.ts";
export type { Option, OptionGroup } from "./config/option.ts";
export {
  type ServerConfig,
  type ServerOptionKey,
  serverOptionEntries,
  serverOptions,
} from "./config/server-options.ts";
export { KeyringError } from "./crypto/keyring-error.ts";
export {
  countLost,
  deleteLost,
  type OfflineKeyOptions,
  type Rotated,
  returnToKeyFile,
  rotateKeys,
} from "./crypto/offline-keys.ts";
export { DataDirectoryInUseError } from "./db/embedded-postgres/owner-lock.ts";
export {
  type EmbeddedPostgres,
  embeddedPostgresUrl,
  startEmbeddedPostgres,
} from "./db/embedded-postgres/start-embedded-postgres.ts";
export { SchemaTooNewError } from "./db/migrate.ts";
export { type Server, type StartServerOptions, startServer } from "./server.ts";
export { AccountError, createAdminUser, resetPassword } from "./users/offline-accounts.ts";
