import { apiKeys } from "@slipway/api";
import { allowListCovers, canonicalScope, isInternalScope, scopesCover } from "../access/scopes.ts";
import type { ApiKeyRow } from "../db/schema.ts";
import { ApiError, invalidField } from "../http/api-error.ts";

/** The scopes that a new token gets: canonical, once each. `scopes` wins over the older `scope`. */
export function requestedScopes(body: { scope?: string | undefined; scopes: readonly string[] }): string[] {
  const asked = body.scopes.length > 0 ? body.scopes : body.scope ? [body.scope] : ["coder:all"];
  for (const scope of asked) {
    if (apiKeys.requestableScopes.includes(scope)) continue;
    const detail = isInternalScope(scope)
      ? `${scope} is for internal use. GET /api/v2/auth/scopes lists the scopes that a token may have.`
      : `${scope} is no scope. GET /api/v2/auth/scopes lists the scopes that a token may have.`;
    throw invalidField("scopes", detail);
  }
  return [...new Set(asked.map(canonicalScope))];
}

/** A key makes no stronger key than itself: its scopes and its allow-list bound those of the new one. */
export function requireNotStronger(
  held: Pick<ApiKeyRow, "scopes" | "allow_list">,
  wanted: { scopes: readonly string[]; allowList: readonly string[] },
): void {
  const scopes = wanted.scopes.filter((scope) => !scopesCover(held.scopes, scope));
  const entries = wanted.allowList.filter((entry) => !allowListCovers(held.allow_list, entry));
  if (scopes.length === 0 && entries.length === 0) return;
  throw new ApiError("forbidden", "A key cannot create one that may do more than itself.", {
    detail: `The key in use does not cover ${[...scopes, ...entries].join(", ")}.`,
    refused: { action: "create", object: { type: "api_key" } },
  });
}
