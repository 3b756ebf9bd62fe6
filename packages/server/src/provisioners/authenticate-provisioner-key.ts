import type { IncomingMessage } from "node:http";
import { sql } from "kysely";
import type { ProvisionerKeyRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import { judgeProvisionerKey } from "./judge-provisioner-key.ts";
import { hashProvisionerKeySecret, hasSecretLength } from "./provisioner-key-secret.ts";

export const provisionerKeyHeader = "coder-provisioner-daemon-key";

/** The key that a request shows in its header (provisioning.md §3.1). */
export async function authenticateProvisionerKey(
  { db, clock }: Pick<Deps, "db" | "clock">,
  req: IncomingMessage,
): Promise<{ key: ProvisionerKeyRow; hashedSecret: Buffer }> {
  const secret = String(req.headers[provisionerKeyHeader] ?? "");
  if (secret === "") {
    throw new ApiError(
      "unauthorized",
      "The header Coder-Provisioner-Daemon-Key must hold a provisioner key.",
    );
  }
  if (!hasSecretLength(secret)) {
    throw new ApiError("bad_request", "The provisioner key is malformed: it has 43 characters.");
  }
  const hashedSecret = hashProvisionerKeySecret(secret);
  // Found by its hash, of which an attacker controls no part: the look-up needs no constant time.
  const key = await db
    .selectFrom("provisioner_keys")
    .selectAll()
    .where((eb) =>
      eb.or([eb("hashed_secret", "=", hashedSecret), eb("previous_hashed_secret", "=", hashedSecret)]),
    )
    .executeTakeFirst();
  if (!key) {
    throw new ApiError("unauthorized", "The provisioner key is not known.", {
      detail: "It may have been deleted, or rotated a while ago.",
    });
  }
  const { why } = judgeProvisionerKey(key, hashedSecret, clock.now());
  if (why !== null) throw new ApiError("unauthorized", why);
  await noteKeysUsed(db, [key.id]);
  return { key, hashedSecret };
}

/** Writes down that the keys are in use: at most once a minute, so that a crowd of daemons is no load. */
export async function noteKeysUsed(db: Deps["db"], ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .updateTable("provisioner_keys")
    .set({ last_used_at: sql<Date>`now()` })
    .where("id", "in", ids)
    .where(sql<boolean>`coalesce(last_used_at < now() - interval '1 minute', true)`)
    .execute();
}
