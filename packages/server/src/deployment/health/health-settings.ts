import { health } from "@slipway/api";
import type { Db, Tx } from "../../db/db.ts";

const key = "health_settings";

/** What administrators do not want to hear of again. Nothing, until they say so. */
export async function readHealthSettings(db: Db | Tx): Promise<health.HealthSettings> {
  const row = await db.selectFrom("site_config").select("value").where("key", "=", key).executeTakeFirst();
  if (!row) return { dismissed_healthchecks: [] };
  return health.HealthSettings.parse(JSON.parse(row.value));
}

export async function writeHealthSettings(tx: Tx, settings: health.HealthSettings): Promise<void> {
  const value = JSON.stringify(settings);
  await tx
    .insertInto("site_config")
    .values({ key, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
}
