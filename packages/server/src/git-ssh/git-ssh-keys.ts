import type { Db, Tx } from "../db/db.ts";
import type { GitSshKeyRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import type { SshKeyPair } from "./generate-ssh-key.ts";

const purposeOf = (userId: string) => `git_ssh_keys/${userId}`;

/** Stores a user's key pair, replacing the one before. The private key is encrypted. */
export async function storeGitSshKey(
  executor: Db | Tx,
  { keyring, clock }: Pick<Deps, "keyring" | "clock">,
  userId: string,
  pair: SshKeyPair,
): Promise<GitSshKeyRow> {
  const now = clock.now();
  const { keyId, data } = keyring.encrypt(Buffer.from(pair.privateKey), purposeOf(userId));
  const values = { public_key: pair.publicKey, private_key: data, private_key_id: keyId, updated_at: now };
  return executor
    .insertInto("git_ssh_keys")
    .values({ user_id: userId, created_at: now, ...values })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet(values))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** A user's Git key with the private half in clear: for the user's own workspaces only. */
export async function readGitSshKey(
  executor: Db | Tx,
  { keyring }: Pick<Deps, "keyring">,
  userId: string,
): Promise<{ publicKey: string; privateKey: string } | null> {
  const row = await executor
    .selectFrom("git_ssh_keys")
    .selectAll()
    .where("user_id", "=", userId)
    .executeTakeFirst();
  if (!row) return null;
  const privateKey = keyring.decrypt(row.private_key_id, row.private_key, purposeOf(userId)).toString("utf8");
  return { publicKey: row.public_key, privateKey };
}
