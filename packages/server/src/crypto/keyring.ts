import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

export type Encrypted = { keyId: string; data: Buffer };

/** The keys for secrets at rest: the first one encrypts, all of them decrypt (access.md 10.2). */
export type Keyring = Readonly<{
  /** Ids of all keys; the first is the one in use. */
  keyIds: readonly string[];
  /**
   * Encrypts with AES-256-GCM. The purpose is authenticated: a value that was moved to another column or
   * row does not decrypt there. Name the table and the row, such as `git_ssh_keys/<user id>`.
   */
  encrypt(plain: Uint8Array, purpose: string): Encrypted;
  decrypt(keyId: string, data: Uint8Array, purpose: string): Buffer;
}>;

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Builds a keyring from keys of 32 bytes each. */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  const byId = new Map<string, Uint8Array>();
  for (const key of keys) {
    if (key.length !== keyBytes) {
      throw new Error(`An encryption key must have ${keyBytes} bytes, got ${key.length}.`);
    }
    byId.set(keyIdOf(key), key);
  }
  const [currentId] = byId.keys();
  if (currentId === undefined) throw new Error("A keyring needs at least one key.");

  function keyOf(keyId: string): Uint8Array {
    const key = byId.get(keyId);
    if (!key) throw new Error(`Encryption key ${keyId} is not among the configured keys.`);
    return key;
  }

  return {
    keyIds: [...byId.keys()],
    encrypt(plain, purpose) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", keyOf(currentId), nonce);
      cipher.setAAD(Buffer.from(purpose));
      const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return { keyId: currentId, data };
    },
    decrypt(keyId, data, purpose) {
      if (data.length < nonceBytes + tagBytes) throw new Error("An encrypted value is too short.");
      const decipher = createDecipheriv("aes-256-gcm", keyOf(keyId), data.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(purpose));
      decipher.setAuthTag(data.subarray(data.length - tagBytes));
      const sealed = data.subarray(nonceBytes, data.length - tagBytes);
      return Buffer.concat([decipher.update(sealed), decipher.final()]);
    },
  };
}

/** The first seven bytes of the key's SHA-256, as Coder names its keys: tells keys apart, reveals nothing. */
export function keyIdOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 14);
}
