import type { Response, ValidationError } from "@slipway/api";

/** The closed list of reasons for which a request is refused, with the status of each. */
export const statusOfCode = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  conflict: 409,
  gone: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  // Deleting a user who still owns workspaces (rest-api.md 5.2).
  expectation_failed: 417,
  // Reading what an import has not finished yet.
  too_early: 425,
  upgrade_required: 426,
  precondition_required: 428,
  rate_limited: 429,
  internal: 500,
  bad_gateway: 502,
  unavailable: 503,
} as const;

export type ApiErrorCode = keyof typeof statusOfCode;

export type ApiErrorOptions = {
  detail?: string | undefined;
  validations?: readonly ValidationError[] | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  cause?: unknown;
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

  constructor(code: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "ApiError";
    this.code = code;
    this.detail = options.detail;
    this.validations = options.validations;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return statusOfCode[this.code];
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
