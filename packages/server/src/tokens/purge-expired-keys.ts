import type { Deps } from "../deps.ts";

/** Deletes keys that expired long ago. Until then their users are told that they expired. */
export async function purgeExpiredKeys(
  { db, config }: Pick<Deps, "db" | "config">,
  now: Date,
): Promise<number> {
  const before = new Date(now.getTime() - config.apiKeysRetentionMs);
  const result = await db.deleteFrom("api_keys").where("expires_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
