import { type ErrorCode, errorStatus, type Response, type ValidationError } from "@slipway/api";
import type { AccessObject, Action } from "../access/authorize.ts";

export type ApiErrorCode = ErrorCode;

/** What was tried without the right to: the audit log tells of it. */
export type RefusedAttempt = Readonly<{ action: Action; object: AccessObject }>;

export type ApiErrorOptions = {
  detail?: string | undefined;
  validations?: readonly ValidationError[] | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  cause?: unknown;
  refused?: RefusedAttempt | undefined;
};

/**
 * A refusal that the caller may see. Everything else that is thrown becomes a 500 which tells nothing.
 *
 * @example
 * throw new ApiError("conflict", `A workspace named "${name}" already exists.`, {
 *   validations: [{ field: "name", detail: "This value is already in use and should be unique." }],
 * });
 */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly detail: string | undefined;
  readonly validations: readonly ValidationError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** For us alone: no part of the answer. */
  readonly refused: RefusedAttempt | undefined;

  constructor(code: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "ApiError";
    this.code = code;
    this.detail = options.detail;
    this.validations = options.validations;
    this.headers = options.headers ?? {};
    this.refused = options.refused;
  }

  get status(): number {
    return errorStatus[this.code];
  }

  /** The documented body of every refusal. */
  toBody(): Response {
    return {
      message: this.message,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.validations === undefined ? {} : { validations: [...this.validations] }),
    };
  }
}

/** The answer for what is absent and for what the caller may not see: nobody can tell the two apart. */
export function notFound(): ApiError {
  return new ApiError("not_found", "Resource not found or you do not have access to this resource");
}

/** A refusal of one field of the request's body. */
export function invalidField(field: string, detail: string, message = "Validation failed."): ApiError {
  return new ApiError("bad_request", message, { validations: [{ field, detail }] });
}
