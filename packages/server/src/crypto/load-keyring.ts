import type { Db } from "../db/db.ts";
import { readKeyFile, readOrMakeKeyFile } from "./key-file.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { KeyringError } from "./keyring-error.ts";

const makeKeyCommand = "openssl rand -base64 32";
const probePurpose = "encryption_keys/probe";

export type KeySource = {
  /** From CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, each 32 bytes in base64. */
  configured: readonly string[];
  /** File beside the embedded data that holds a key of our own making; absent with an external Postgres. */
  keyFile: string | undefined;
  /** The file's key encrypts, although others are configured. */
  preferKeyFile?: boolean;
};

/**
 * Finds the keys for secrets at rest. Configured keys come first; a key file, once made, goes on
 * decrypting what it encrypted.
 */
export async function loadKeyring({
  configured,
  keyFile,
  preferKeyFile = false,
}: KeySource): Promise<Keyring> {
  const keys = configured.map(decodeKey);
  if (keyFile !== undefined) {
    const isNeeded = keys.length === 0 || preferKeyFile;
    const own = (await (isNeeded ? readOrMakeKeyFile(keyFile) : readKeyFile(keyFile))) ?? [];
    if (preferKeyFile) keys.unshift(...own);
    else keys.push(...own);
  }
  if (keys.length === 0) {
    throw new KeyringError(
      "With a Postgres of your own the server needs a key for the secrets that it stores there. " +
        `Make one with \`${makeKeyCommand}\`, give it in CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, and keep it ` +
        "with your backups: without it they cannot be read.",
    );
  }
  return createKeyring(keys);
}

/**
 * Holds the keys against the database: every key that has encrypted something must be there and must be
 * the right one. Notes the current key as used.
 */
export async function checkKeyring(db: Db, keyring: Keyring): Promise<void> {
  const used = await db.selectFrom("encryption_keys").selectAll().where("revoked_at", "is", null).execute();
  for (const { key_id: keyId, probe } of used) {
    if (!keyring.keyIds.includes(keyId)) {
      throw new KeyringError(
        `Secrets in the database were encrypted with the key ${keyId}, which is missing. Add it to ` +
          "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, or restore the key file that belongs to this database.",
      );
    }
    try {
      keyring.decrypt(keyId, probe, probePurpose);
    } catch (err) {
      throw new KeyringError(`The encryption key ${keyId} does not decrypt what it should: ${String(err)}`);
    }
  }
  const { keyId, data } = keyring.encrypt(Buffer.from("slipway"), probePurpose);
  await db
    .insertInto("encryption_keys")
    .values({ key_id: keyId, probe: data })
    .onConflict((conflict) => conflict.column("key_id").doUpdateSet({ revoked_at: null }))
    .execute();
}

function decodeKey(text: string): Buffer {
  const key = Buffer.from(text, "base64");
  if (key.length === 32) return key;
  throw new KeyringError(
    "Each key in CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS must be 32 bytes in base64, as " +
      `\`${makeKeyCommand}\` prints; one of them has ${key.length} bytes.`,
  );
}
