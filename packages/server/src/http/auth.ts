import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Subject } from "../access/authorize.ts";
import type { ApiKeyRow, UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { subjectOf } from "../tokens/account-of-key.ts";
import { parseKey } from "../tokens/key-text.ts";
import { loadKeyWithUser } from "../tokens/load-key.ts";
import { touchKey } from "../tokens/touch-key.ts";
import { ApiError } from "./api-error.ts";
import { type PresentedToken, presentedToken } from "./session-token.ts";

/** Who makes a request, proved by a key. */
export type Auth = Readonly<{ user: UserRow; key: ApiKeyRow; subject: Subject }>;

export type Authenticated = { auth: Auth; presented: PresentedToken };

const signedOut = "You are signed out or your session has expired. Please sign in again to continue.";

/** The answer to a request without a valid key; the detail says what is wrong with it. */
export function unauthorized(detail: string): ApiError {
  return new ApiError("unauthorized", signedOut, { detail });
}

/**
 * Makes the step that finds out who makes a request. Returns `null` when no key was presented, and throws
 * `unauthorized` when one was that is no good.
 */
export function createAuthenticator(deps: Pick<Deps, "db" | "clock" | "config" | "log">) {
  const { config, clock } = deps;

  return async (req: IncomingMessage, ip: string): Promise<Authenticated | null> => {
    const presented = presentedToken(req, { hostPrefix: config.hostPrefixCookie });
    if (!presented) return null;
    return { auth: await authenticateToken(presented.token, ip), presented };
  };

  async function authenticateToken(token: string, ip: string): Promise<Auth> {
    const parsed = parseKey(token);
    if (!parsed) throw unauthorized("The session token is malformed. It has the form <id>-<secret>.");
    const found = await loadKeyWithUser(deps.db, parsed.id);
    if (!found) throw unauthorized("The session token's id is not known. It may have been deleted.");
    const hash = createHash("sha256").update(parsed.secret).digest();
    if (!timingSafeEqual(hash, found.key.hashed_secret)) {
      throw unauthorized("The session token's secret is wrong.");
    }
    const now = clock.now();
    if (found.key.expires_at <= now) {
      throw unauthorized(`The session token expired at ${found.key.expires_at.toISOString()}.`);
    }
    if (found.user.deleted || found.user.is_system) throw unauthorized("The account was deleted.");
    if (found.user.status === "suspended") {
      throw unauthorized("The account is suspended. Ask an administrator to activate it.");
    }
    await touchKey(deps, found.key, found.user, ip);
    const { user, key } = found;
    return { user, key, subject: subjectOf(found, config) };
  }
}
