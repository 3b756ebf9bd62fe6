import { randomUUID } from "node:crypto";
import type { Db } from "../db/db.ts";

const key = "deployment_id";

/** The id of this deployment: made with its database, the same for all replicas. */
export async function ensureDeploymentId(db: Db): Promise<string> {
  await db
    .insertInto("site_config")
    .values({ key, value: randomUUID() })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .execute();
  const row = await db
    .selectFrom("site_config")
    .select("value")
    .where("key", "=", key)
    .executeTakeFirstOrThrow();
  return row.value;
}
