/**
 * The closed list of reasons for which a request can be refused, and the HTTP status of each.
 * The body is always `{ message, detail?, validations? }`, see `Response` in `common.ts`.
 */
export const errorStatus = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  timeout: 408,
  conflict: 409,
  gone: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  // Deleting a user who still owns workspaces answers 417 (rest-api.md 5.2).
  expectation_failed: 417,
  // Reading the results of an import which has not finished (provisioning.md 8.2).
  too_early: 425,
  upgrade_required: 426,
  precondition_required: 428,
  rate_limited: 429,
  internal: 500,
  bad_gateway: 502,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof errorStatus;
