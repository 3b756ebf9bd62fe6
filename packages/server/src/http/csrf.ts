import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";
import type { PresentedToken } from "./session-token.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The token that pages send back as `X-CSRF-TOKEN`. It is computed from the session, so that a cookie
 * planted by another host of the same domain (workspace applications run on such hosts) is of no use.
 */
export function csrfTokenOf(sessionToken: string): string {
  return createHmac("sha256", sessionToken).update("csrf").digest("base64url");
}

/**
 * Refuses a request that changes something and is authenticated by nothing but a cookie, which a browser
 * sends for any page, unless it proves that our own page made it (access.md 10.1).
 */
export function requireCsrfToken(req: IncomingMessage, presented: PresentedToken): void {
  if (safeMethods.has(req.method ?? "GET") || presented.source !== "cookie" || presented.explicit) return;
  const expected = Buffer.from(csrfTokenOf(presented.token));
  const given = Buffer.from(String(req.headers["x-csrf-token"] ?? ""));
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new ApiError("bad_request", "The CSRF token is missing or wrong.", {
    detail:
      "Send the value of the cookie csrf_token in the header X-CSRF-TOKEN, " +
      "or authenticate by the header Coder-Session-Token.",
  });
}
