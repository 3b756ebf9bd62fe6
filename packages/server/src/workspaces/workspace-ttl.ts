import { invalidField } from "../http/api-error.ts";

const minTtlMs = 60_000;
const maxTtlMs = 30 * 24 * 60 * 60 * 1000;

/**
 * How long a workspace runs before it stops by itself: the owner's wish where the template allows one, else the
 * template's default; `null` is "until somebody stops it".
 */
export function workspaceTtlMs(
  wishMs: number | undefined,
  template: { default_ttl_ms: number; allow_user_autostop: boolean },
): number | null {
  const defaultMs = template.default_ttl_ms > 0 ? template.default_ttl_ms : null;
  if (!wishMs || !template.allow_user_autostop) return defaultMs;
  if (wishMs < minTtlMs)
    throw invalidField("ttl_ms", `ttl_ms must be at least ${minTtlMs} (1 minute), got ${wishMs}.`);
  if (wishMs > maxTtlMs)
    throw invalidField("ttl_ms", `ttl_ms must be at most ${maxTtlMs} (30 days), got ${wishMs}.`);
  return wishMs;
}
