import { createHash } from "node:crypto";
import { randomText } from "../tokens/key-text.ts";

/** Letters and digits of a key's secret (provisioning.md §3.1): 256 bits. */
const secretLength = 43;

/** Makes the secret of a key: `text` is shown once, and only `hashedSecret` is stored. */
export function newProvisionerKeySecret(): { text: string; hashedSecret: Buffer } {
  const text = randomText(secretLength);
  return { text, hashedSecret: hashProvisionerKeySecret(text) };
}

export function hashProvisionerKeySecret(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Whether the text can be a secret at all, before any look into the database. */
export function hasSecretLength(text: string): boolean {
  return text.length === secretLength;
}
