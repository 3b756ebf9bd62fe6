import { common } from "@slipway/api";
import { authorize, userObject } from "../access/authorize.ts";
import type { Db, Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import { ApiError } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";

/**
 * Finds the user that a path names: by id, by username, or as `me`. Users whom the caller neither may read
 * nor meets in an organization are answered like absent ones.
 */
export async function findUser(executor: Db | Tx, auth: Auth, idOrName: string): Promise<UserRow> {
  if (idOrName === "me" || idOrName === auth.user.id) return auth.user;
  const isId = common.Uuid.safeParse(idOrName).success;
  const row = await executor
    .selectFrom("users")
    .selectAll()
    .where("deleted", "=", false)
    .where("is_system", "=", false)
    .where((eb) =>
      isId ? eb("id", "=", idOrName) : eb(eb.fn("lower", ["username"]), "=", idOrName.toLowerCase()),
    )
    .executeTakeFirst();
  if (row && (authorize(auth.subject, "read", userObject(row)) || (await isFellow(executor, auth, row.id)))) {
    return row;
  }
  // Clients look for these words (rest-api.md 1).
  throw new ApiError("bad_request", `User "${idOrName.slice(0, 64)}" must be an existing uuid or username.`);
}

/** Whether both are members of an organization whose members the caller may see. */
async function isFellow(executor: Db | Tx, { subject }: Auth, userId: string): Promise<boolean> {
  const seen = [...subject.organizations.keys()].filter((organizationId) =>
    authorize(subject, "read", { type: "organization_member", id: userId, ownerId: userId, organizationId }),
  );
  if (seen.length === 0) return false;
  const shared = await executor
    .selectFrom("organization_members")
    .select("organization_id")
    .where("user_id", "=", userId)
    .where("organization_id", "in", seen)
    .executeTakeFirst();
  return shared !== undefined;
}
