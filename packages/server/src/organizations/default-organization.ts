import { randomUUID } from "node:crypto";
import type { Db, Tx } from "../db/db.ts";
import type { OrganizationRow } from "../db/schema.ts";
import type { Clock } from "../deps.ts";

/** Makes the default organization when there is none. Replicas that start together make one. */
export async function ensureDefaultOrganization(db: Db, clock: Clock): Promise<void> {
  const now = clock.now();
  await db
    .insertInto("organizations")
    .values({
      id: randomUUID(),
      // A request calls it "default" whatever its name is.
      name: "coder",
      display_name: "Coder",
      is_default: true,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function defaultOrganization(executor: Db | Tx): Promise<OrganizationRow> {
  return executor
    .selectFrom("organizations")
    .selectAll()
    .where("is_default", "=", true)
    .executeTakeFirstOrThrow();
}
