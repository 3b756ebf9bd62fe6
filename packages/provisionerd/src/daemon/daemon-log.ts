/** The part of a pino logger that the daemon uses. */
export type DaemonLog = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};
