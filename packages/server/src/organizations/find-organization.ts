import { common } from "@slipway/api";
import { authorize, organizationObject, type Subject } from "../access/authorize.ts";
import type { Db, Tx } from "../db/db.ts";
import type { OrganizationRow } from "../db/schema.ts";
import { notFound } from "../http/api-error.ts";

/** Finds the organization that a path names: by id, by name, or as `default`. Unseen ones are not found. */
export async function findOrganization(
  executor: Db | Tx,
  subject: Subject,
  idOrName: string,
): Promise<OrganizationRow> {
  const isId = common.Uuid.safeParse(idOrName).success;
  const row = await executor
    .selectFrom("organizations")
    .selectAll()
    .where("deleted", "=", false)
    .where((eb) => {
      if (isId) return eb("id", "=", idOrName);
      if (idOrName === "default") return eb("is_default", "=", true);
      return eb(eb.fn("lower", ["name"]), "=", idOrName.toLowerCase());
    })
    .executeTakeFirst();
  if (!row || !authorize(subject, "read", organizationObject(row))) throw notFound();
  return row;
}
