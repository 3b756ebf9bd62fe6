import { users } from "@slipway/api";
import { sql } from "kysely";
import { checkKeyring, loadKeyring } from "../crypto/load-keyring.ts";
import { createDb, type Db } from "../db/db.ts";
import { migrate } from "../db/migrate.ts";
import { publishEvent } from "../events/events.ts";
import { generateSshKey, type SshKeyAlgorithm } from "../git-ssh/generate-ssh-key.ts";
import { ApiError } from "../http/api-error.ts";
import { defaultOrganization, ensureDefaultOrganization } from "../organizations/default-organization.ts";
import { createUserWithOrg } from "./create-user.ts";
import { hashPassword, passwordWeakness } from "./passwords.ts";

/** What an administrator's command on the database can be told: shown as it is. */
export class AccountError extends Error {
  override readonly name = "AccountError";
}

const clock = { now: () => new Date() };

/** Gives a user another password, past the server: for those who cannot log in any more. Their keys end. */
export async function resetPassword(options: {
  databaseUrl: string;
  username: string;
  password: string;
}): Promise<void> {
  const weakness = passwordWeakness(options.password);
  if (weakness) throw new AccountError(weakness);
  const hashed = await hashPassword(options.password);
  await withDb(options.databaseUrl, (db) =>
    db.transaction().execute(async (tx) => {
      const user = await tx
        .selectFrom("users")
        .select(["id", "login_type"])
        .where(sql`lower(username)`, "=", options.username.toLowerCase())
        .where("deleted", "=", false)
        .forUpdate()
        .executeTakeFirst();
      if (!user) throw new AccountError(`There is no user "${options.username}".`);
      if (user.login_type !== "password") {
        throw new AccountError(`"${options.username}" logs in by ${user.login_type}, not with a password.`);
      }
      await tx
        .updateTable("users")
        .set({ hashed_password: hashed, updated_at: clock.now() })
        .where("id", "=", user.id)
        .execute();
      // Whoever knew the old password may hold keys that it gave.
      await tx.deleteFrom("api_keys").where("user_id", "=", user.id).execute();
      await publishEvent(tx, "access", user.id);
    }),
  );
}

/** Makes an owner, past the server; prepares an empty database as the server would. */
export async function createAdminUser(options: {
  databaseUrl: string;
  username: string;
  email: string;
  password: string;
  sshKeyAlgorithm: SshKeyAlgorithm;
  encryptionKeys: readonly string[];
  keyFile: string | undefined;
}): Promise<{ id: string }> {
  const { username, email, password } = options;
  const checked = users.CreateFirstUserRequest.safeParse({ username, email, password });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new AccountError(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not valid"}`);
  }
  const weakness = passwordWeakness(password);
  if (weakness) throw new AccountError(weakness);
  const [keyring, hashedPassword, sshKey] = await Promise.all([
    loadKeyring({ configured: options.encryptionKeys, keyFile: options.keyFile }),
    hashPassword(password),
    generateSshKey(options.sshKeyAlgorithm),
    migrate(options.databaseUrl),
  ]);
  return withDb(options.databaseUrl, async (db) => {
    await checkKeyring(db, keyring);
    await ensureDefaultOrganization(db, clock);
    const created = db.transaction().execute(async (tx) =>
      createUserWithOrg(
        tx,
        { clock, keyring },
        {
          username,
          email,
          hashedPassword,
          loginType: "password",
          status: "active",
          roles: ["owner"],
          organizationIds: [(await defaultOrganization(tx)).id],
          sshKey,
        },
      ),
    );
    return created.catch((err: unknown) => {
      throw err instanceof ApiError ? new AccountError(err.message) : err;
    });
  });
}

async function withDb<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  const db = createDb({ url, maxOpen: 2 });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
