import { randomUUID } from "node:crypto";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import type { SshKeyPair } from "../git-ssh/generate-ssh-key.ts";
import { storeGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { ApiError } from "../http/api-error.ts";

export type NewUser = {
  username: string;
  email: string;
  name?: string | undefined;
  hashedPassword: string | null;
  loginType: UserRow["login_type"];
  status: UserRow["status"];
  roles?: readonly string[];
  isServiceAccount?: boolean;
  organizationIds: readonly string[];
  /** Made beforehand: an RSA key takes seconds, which no transaction should. */
  sshKey: SshKeyPair;
};

/** Inserts a user with their memberships and their Git key. A taken name or address is a `conflict`. */
export async function createUserWithOrg(
  tx: Tx,
  deps: Pick<Deps, "clock" | "keyring">,
  user: NewUser,
): Promise<UserRow> {
  const now = deps.clock.now();
  const row = await tx
    .insertInto("users")
    .values({
      id: randomUUID(),
      username: user.username,
      email: user.email,
      name: user.name ?? "",
      hashed_password: user.hashedPassword,
      login_type: user.loginType,
      status: user.status,
      roles: [...(user.roles ?? [])],
      is_service_account: user.isServiceAccount ?? false,
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
    .catch((err: unknown) => {
      throw nameTaken(err) ?? err;
    });
  for (const organizationId of new Set(user.organizationIds)) {
    await tx
      .insertInto("organization_members")
      .values({ organization_id: organizationId, user_id: row.id, created_at: now, updated_at: now })
      .execute();
  }
  await storeGitSshKey(tx, deps, row.id, user.sshKey);
  return row;
}

/** What a clash of names or addresses is for the caller; `null` when the error is something else. */
export function nameTaken(err: unknown): ApiError | null {
  const field = isUniqueViolation(err, "users_username")
    ? "username"
    : isUniqueViolation(err, "users_email")
      ? "email"
      : null;
  if (!field) return null;
  return new ApiError("conflict", `A user with this ${field} already exists.`, {
    validations: [{ field, detail: "This value is already in use and should be unique." }],
    cause: err,
  });
}
