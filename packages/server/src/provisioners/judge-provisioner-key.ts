import type { Verdict } from "../connections/live-access.ts";
import type { ProvisionerKeyRow } from "../db/schema.ts";

/**
 * Whether a secret is good for its key at this moment: the current one until the key expires, the one of before a
 * rotation until the end of the overlap.
 */
export function judgeProvisionerKey(
  key: ProvisionerKeyRow | undefined,
  hashedSecret: Buffer,
  now: Date,
): Verdict {
  if (key === undefined) return { why: "The provisioner key was deleted." };
  if (key.expires_at !== null && key.expires_at <= now) {
    return { why: `The provisioner key "${key.name}" expired at ${key.expires_at.toISOString()}.` };
  }
  if (key.hashed_secret.equals(hashedSecret)) return { why: null, until: key.expires_at };
  const isPrevious = key.previous_hashed_secret?.equals(hashedSecret) ?? false;
  if (isPrevious && key.previous_expires_at !== null && key.previous_expires_at > now) {
    return { why: null, until: key.previous_expires_at };
  }
  return {
    why: `The provisioner key "${key.name}" was rotated, and the secret that this daemon uses has ended.`,
  };
}
