import type { apiKeys } from "@slipway/api";
import type { ApiKeyRow } from "../db/schema.ts";

/** A key as the API shows it: everything but the key. */
export function toApiKey(row: ApiKeyRow): apiKeys.APIKey {
  return {
    id: row.id,
    user_id: row.user_id,
    last_used: row.last_used.toISOString(),
    expires_at: row.expires_at.toISOString(),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    login_type: row.login_type,
    scope: legacyScope(row.scopes),
    scopes: row.scopes,
    token_name: row.token_name,
    lifetime_seconds: row.lifetime_seconds,
    allow_list: row.allow_list,
  };
}

/** The field from before there were several scopes knows two of them. */
function legacyScope(scopes: readonly string[]): string {
  if (scopes.includes("coder:all")) return "all";
  return scopes.length === 1 && scopes[0] === "coder:application_connect" ? "application_connect" : "";
}
