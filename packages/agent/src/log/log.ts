/** What the agent writes its own log to; pino's shape, so that any logger of that kind fits. */
export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The message of whatever was thrown, causes included, on one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${errorText(error.cause)}`;
  // An AggregateError of a failed connect has an empty message of its own.
  const own =
    error.message === "" && error instanceof AggregateError
      ? error.errors.map(errorText).join("; ")
      : error.message;
  return `${own === "" ? error.name : own}${cause}`.replaceAll("\n", " ");
}

/** The `code` of a Node error (`ENOENT`), else undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
