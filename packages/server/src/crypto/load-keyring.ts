import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Db } from "../db/db.ts";
import { createKeyring, type Keyring } from "./keyring.ts";

const makeKeyCommand = "openssl rand -base64 32";
const probePurpose = "encryption_keys/probe";

export type KeySource = {
  /** From CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, each 32 bytes in base64. */
  configured: readonly string[];
  /** File beside the embedded data that holds a key of our own making; absent with an external Postgres. */
  keyFile: string | undefined;
};

/** The server cannot start with the keys that it was given. */
export class KeyringError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KeyringError";
  }
}

/**
 * Finds the keys for secrets at rest. Configured keys come first; a key file, once made, goes on
 * decrypting what it encrypted.
 */
export async function loadKeyring({ configured, keyFile }: KeySource): Promise<Keyring> {
  const keys = configured.map(decodeKey);
  if (keyFile !== undefined) {
    const own = keys.length > 0 ? await readKeyFile(keyFile) : await readOrMakeKeyFile(keyFile);
    if (own) keys.push(own);
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
    .onConflict((conflict) => conflict.column("key_id").doNothing())
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

async function readKeyFile(path: string): Promise<Buffer | null> {
  try {
    const key = Buffer.from((await readFile(path, "utf8")).trim(), "base64");
    if (key.length === 32) return key;
  } catch (err) {
    if (err instanceof Error && "code" in err && err.code === "ENOENT") return null;
    throw err;
  }
  throw new KeyringError(`${path} does not hold a key of 32 bytes in base64. Restore it from your backup.`);
}

async function readOrMakeKeyFile(path: string): Promise<Buffer> {
  const present = await readKeyFile(path);
  if (present) return present;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = randomBytes(32);
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${key.toString("base64")}\n`);
      // A key that is lost in a power cut takes every secret with it.
      await file.sync();
    } finally {
      await file.close();
    }
    return key;
  } catch (err) {
    if (!(err instanceof Error && "code" in err && err.code === "EEXIST")) throw err;
    const made = await readKeyFile(path);
    if (made) return made;
    throw err;
  }
}
