import type { Response, ValidationError } from "./common.ts";

type Hinted = Pick<globalThis.Response, "status" | "statusText" | "headers">;

/** The server answered, and the answer is a refusal or is not of this API. */
export class ApiResponseError extends Error {
  override readonly name = "ApiResponseError";
  readonly status: number;
  readonly detail: string | undefined;
  readonly validations: readonly ValidationError[];
  readonly method: string;
  readonly url: string;

  constructor(method: string, url: string, status: number, body: Response, options?: { cause?: unknown }) {
    super(body.message, options);
    this.method = method;
    this.url = withoutQuery(url);
    this.status = status;
    this.detail = body.detail;
    this.validations = body.validations ?? [];
  }

  /** Reads the documented error body; anything else becomes a hint about what may have answered. */
  static fromText(method: string, url: string, res: Hinted, text: string): ApiResponseError {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (err) {
      if (text !== "") return ApiResponseError.notJson(method, url, res, text, err);
    }
    const fallback = { message: `The server answered ${res.status} ${res.statusText}`.trimEnd() };
    return new ApiResponseError(method, url, res.status, isErrorBody(parsed) ? parsed : fallback);
  }

  static notJson(method: string, url: string, res: Hinted, text: string, cause: unknown): ApiResponseError {
    const type = res.headers.get("content-type") ?? "";
    const html = type.includes("html") || /^\s*<(!doctype|html)/i.test(text);
    const message = html
      ? "The answer is a web page, not JSON."
      : `The answer is not of the expected kind (content type "${type || "none"}").`;
    const detail =
      "Check that the URL is the one of the deployment, and that no proxy, VPN or single sign-on page stands between.";
    return new ApiResponseError(method, url, res.status, { message, detail }, { cause });
  }

  static redirected(method: string, url: string, res: Hinted): ApiResponseError {
    const location = res.headers.get("location") ?? "";
    const target = URL.canParse(location, url) ? new URL(location, url).origin : location;
    const message = `The server redirects to ${target || "another address"}.`;
    const detail =
      `Use that address as the URL of the deployment if you trust it: coder login ${target}`.trimEnd();
    return new ApiResponseError(method, url, res.status, { message, detail });
  }
}

/** No answer: the server could not be reached, or the connection broke, or it took too long. */
export class ApiConnectionError extends Error {
  override readonly name = "ApiConnectionError";
  /** The system's code, such as `ECONNREFUSED`, where there is one. */
  readonly code: string | undefined;
  readonly method: string;
  readonly url: string;

  constructor(method: string, url: string, limitMs: number | undefined, cause: unknown) {
    const { code, text } = reasonOf(cause);
    const origin = new URL(url).origin;
    const tooLong = cause instanceof DOMException && cause.name === "TimeoutError";
    super(
      tooLong
        ? `${origin} did not answer within ${(limitMs ?? 0) / 1000} s. Check the network, then try again.`
        : `Cannot reach ${origin}: ${text}. ${remedy(code)}`,
      { cause },
    );
    this.code = code;
    this.method = method;
    this.url = withoutQuery(url);
  }
}

// By hand, not by schema: clients that must start fast load no schemas.
function isErrorBody(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  const { message, detail, validations }: { message?: unknown; detail?: unknown; validations?: unknown } =
    value;
  return (
    typeof message === "string" &&
    (detail === undefined || typeof detail === "string") &&
    (validations === undefined || (Array.isArray(validations) && validations.every(isValidation)))
  );
}

function isValidation(value: unknown): value is ValidationError {
  if (typeof value !== "object" || value === null) return false;
  const { field, detail }: { field?: unknown; detail?: unknown } = value;
  return typeof field === "string" && typeof detail === "string";
}

/** `fetch` wraps what happened in a TypeError "fetch failed"; several addresses make an AggregateError. */
function reasonOf(err: unknown): { code: string | undefined; text: string } {
  let current = err;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if ("code" in current && typeof current.code === "string") {
      const { code, message } = current;
      // OpenSSL's own words are about records and lines of its source.
      const text = isPlainText(code) ? "what answers there does not speak TLS" : message || code;
      return { code, text };
    }
    const inner: unknown = current instanceof AggregateError ? current.errors[0] : current.cause;
    if (!(inner instanceof Error)) break;
    current = inner;
  }
  return { code: undefined, text: current instanceof Error ? current.message : String(current) };
}

/** What a TLS client finds where a plain HTTP server answers. */
const isPlainText = (code: string | undefined) =>
  code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG";

function remedy(code: string | undefined): string {
  if (isPlainText(code)) return "If it serves plain HTTP, write http:// in front of the address.";
  switch (code) {
    case "ECONNREFUSED":
      return "Is the server running and is the URL right?";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "Check the host name and your DNS or VPN.";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "Name your certificate authority with SSL_CERT_FILE.";
    default:
      return "Check the URL, the network and any proxy.";
  }
}

// Queries may hold credentials, and errors end up in logs.
function withoutQuery(url: string): string {
  return url.split("?", 1)[0]!;
}
