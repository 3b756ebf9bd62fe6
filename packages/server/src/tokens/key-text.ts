import { createHash, randomInt } from "node:crypto";

const idLength = 10;
const secretLength = 22;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const pattern = /^([A-Za-z0-9]{10})-([A-Za-z0-9]{22})$/;

/** Takes a key apart; `null` when it cannot be one, before any look into the database (access.md 3.1). */
export function parseKey(text: string): { id: string; secret: string } | null {
  const match = pattern.exec(text);
  return match ? { id: match[1]!, secret: match[2]! } : null;
}

/** Makes a new key: `text` is for its user alone, and only `hashedSecret` is stored. */
export function generateKey(): { id: string; text: string; hashedSecret: Buffer } {
  const id = randomText(idLength);
  const secret = randomText(secretLength);
  const hashedSecret = createHash("sha256").update(secret).digest();
  return { id, text: `${id}-${secret}`, hashedSecret };
}

/** Random letters and digits: 22 of them hold 130 bits. */
export function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}
