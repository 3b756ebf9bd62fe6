import type { ApiKeyRow, UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

const hourMs = 3_600_000;

/**
 * Notes that a key was used: at most hourly, so that reading pages does not mean writing rows
 * (access.md 3.1). Sessions slide, tokens never do; a dormant account becomes active.
 */
export async function touchKey(
  { db, clock, config }: Pick<Deps, "db" | "clock" | "config">,
  key: ApiKeyRow,
  user: UserRow,
  ip: string,
): Promise<void> {
  const now = clock.now();
  const lifetimeMs = key.lifetime_seconds * 1_000;
  const slides = key.login_type !== "token" && !config.disableSessionExpiryRefresh;
  const expiresAt =
    slides && key.expires_at.getTime() - now.getTime() <= lifetimeMs - hourMs
      ? new Date(now.getTime() + lifetimeMs)
      : key.expires_at;
  const isStale = now.getTime() - key.last_used.getTime() >= hourMs;
  if (!isStale && expiresAt === key.expires_at && user.status === "active") return;
  await db.transaction().execute(async (tx) => {
    // The account first, as whoever ends all keys of an account does: else the two wait for each other.
    await tx
      .updateTable("users")
      .set((eb) => ({
        last_seen_at: now,
        // Judged on the row as it is by now: whoever was suspended meanwhile stays so.
        status: eb
          .case()
          .when("status", "=", "dormant")
          .then("active" as const)
          .else(eb.ref("status"))
          .end(),
      }))
      .where("id", "=", user.id)
      .execute();
    await tx
      .updateTable("api_keys")
      .set({
        last_used: now,
        ip_address: ip || null,
        updated_at: now,
        ...(expiresAt === key.expires_at ? {} : { expires_at: expiresAt }),
      })
      .where("id", "=", key.id)
      // Judged on the row as it is by now, too: a key that was expired meanwhile does not come back.
      .where("expires_at", ">", now)
      .execute();
  });
  if (user.status === "dormant") user.status = "active";
}
