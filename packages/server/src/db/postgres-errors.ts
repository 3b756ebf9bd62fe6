const uniqueViolation = "23505";
const foreignKeyViolation = "23503";

// SQLSTATEs that say "not now": connection lost (class 08), shutting down or starting (57P0x), no slot left.
const awayStates = /^(08...|57P0[123]|53300)$/;
const awaySystemCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
// The driver gives these no code, so that their text is all there is.
const awayMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Postgres has not answered within the time that its asker has. */
export class PostgresSilentError extends Error {
  override name = "PostgresSilentError";
  constructor() {
    super("Postgres does not answer.");
  }
}

/** Whether a unique index refused the row; with a name, whether it was that index. */
export function isUniqueViolation(err: unknown, constraint?: string): boolean {
  return field(err, "code") === uniqueViolation && (!constraint || field(err, "constraint") === constraint);
}

export function isForeignKeyViolation(err: unknown): boolean {
  return field(err, "code") === foreignKeyViolation;
}

/** Whether a query failed because Postgres cannot be reached, and not because of the query. */
export function isPostgresAway(err: unknown): boolean {
  if (!(err instanceof Error)) return false;
  if (err instanceof PostgresSilentError) return true;
  // Connecting to a name with several addresses fails with one error for each.
  if (err instanceof AggregateError && err.errors.some(isPostgresAway)) return true;
  const code = field(err, "code");
  if (code !== undefined && awayStates.test(code)) return true;
  if (code !== undefined && awaySystemCodes.has(code)) return code !== "ENOENT" || isFromSocket(err);
  return awayMessages.test(err.message);
}

// A file that is missing has the code of a socket that is missing.
function isFromSocket(err: Error): boolean {
  const syscall = field(err, "syscall");
  return syscall === undefined || !["open", "stat", "lstat", "scandir", "unlink"].includes(syscall);
}

function field(err: unknown, name: string): string | undefined {
  if (typeof err !== "object" || err === null) return undefined;
  const value: unknown = Reflect.get(err, name);
  return typeof value === "string" ? value : undefined;
}
