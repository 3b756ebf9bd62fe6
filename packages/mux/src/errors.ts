/** Why a session, a stream or an `open` failed. The list is closed; match on it, never on message text. */
export type MuxErrorCode =
  | "connection_lost"
  | "keepalive_timeout"
  | "protocol_error"
  | "limit_exceeded"
  | "going_away"
  | "session_closed"
  | "stream_reset"
  | "stream_gone";

/** Why one end gave up a stream. Sent as one byte; see {@link resetCodes}. */
export type ResetCode = "canceled" | "refused" | "internal" | "overloaded" | "forbidden" | "unavailable";

/** The one error type of this package. `reset` is set when `code` is `stream_reset`. */
export class MuxError extends Error {
  override readonly name = "MuxError";
  readonly code: MuxErrorCode;
  readonly reset: ResetCode | undefined;

  constructor(code: MuxErrorCode, message: string, options: { cause?: unknown; reset?: ResetCode } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reset = options.reset;
  }
}

/** The wire value of each reset code. Values are never reused. */
export const resetCodes: Readonly<Record<ResetCode, number>> = {
  canceled: 1,
  refused: 2,
  internal: 3,
  overloaded: 4,
  forbidden: 5,
  unavailable: 6,
};

const resetNames = new Map<number, ResetCode>();
for (const name of Object.keys(resetCodes) as ResetCode[]) resetNames.set(resetCodes[name], name);

/** A newer peer may know more codes than we do: to us they are all `internal`. */
export function resetCodeFromWire(value: number): ResetCode {
  return resetNames.get(value) ?? "internal";
}

/** Foreign errors become a MuxError where they enter the package. */
export function toMuxError(cause: unknown, code: MuxErrorCode, message: string): MuxError {
  return cause instanceof MuxError ? cause : new MuxError(code, message, { cause });
}
