import type { Deps } from "../deps.ts";

/** The owner's Git key pair, decrypted; null where none was made. */
export async function readOwnersGitKey(
  deps: Pick<Deps, "db" | "keyring">,
  userId: string,
): Promise<{ publicKey: string; privateKey: string } | null> {
  const row = await deps.db
    .selectFrom("git_ssh_keys")
    .selectAll()
    .where("user_id", "=", userId)
    .executeTakeFirst();
  if (!row) return null;
  const privateKey = deps.keyring
    .decrypt(row.private_key_id, row.private_key, `git_ssh_keys/${userId}`)
    .toString("utf8");
  return { publicKey: row.public_key, privateKey };
}
