import type { provisionerKeys } from "@slipway/api";
import type { ProvisionerKeyRow } from "../db/schema.ts";

/** A key as the API shows it: without its secrets. */
export function toApiProvisionerKey(row: ProvisionerKeyRow): provisionerKeys.ProvisionerKey {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    organization: row.organization_id,
    name: row.name,
    tags: row.tags,
    ...(row.expires_at ? { expires_at: row.expires_at.toISOString() } : {}),
    ...(row.last_used_at ? { last_used_at: row.last_used_at.toISOString() } : {}),
    ...(row.previous_expires_at ? { previous_secret_expires_at: row.previous_expires_at.toISOString() } : {}),
  };
}
