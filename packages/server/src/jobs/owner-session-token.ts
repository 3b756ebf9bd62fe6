import type { Db, Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { createApiKey } from "../tokens/create-api-key.ts";

type RenewSessionToken = {
  owner: Pick<UserRow, "id" | "login_type" | "is_system">;
  workspaceId: string;
  isStart: boolean;
};

/**
 * The token with which a workspace acts as its owner: each start revokes the old one and makes a new one, a
 * stop or a delete only revokes (provisioning.md §1.7). Empty when there is none.
 */
export async function renewSessionToken(
  deps: Pick<Deps, "db" | "clock" | "config" | "events">,
  { owner, workspaceId, isStart }: RenewSessionToken,
): Promise<string> {
  if (!isStart || owner.is_system) {
    await revokeSessionToken(deps, deps.db, owner.id, workspaceId);
    return "";
  }
  const tokenName = tokenNameOf(owner.id, workspaceId);
  // One statement, so that there is no moment with two of them, and none in which the old one is gone for nothing.
  const revoking = deps.db.with("revoked", (query) =>
    query.deleteFrom("api_keys").where("user_id", "=", owner.id).where("token_name", "=", tokenName),
  );
  const { key } = await createApiKey(revoking, {
    userId: owner.id,
    loginType: owner.login_type,
    lifetimeMs: deps.config.maxTokenLifetimeMs,
    tokenName,
    now: deps.clock.now(),
  });
  await deps.events.publish(deps.db, "access", owner.id);
  return key;
}

/** Takes the token away: a workspace that is to be no more acts as nobody, whatever of it runs on. */
export async function revokeSessionToken(
  { events }: Pick<Deps, "events">,
  db: Db | Tx,
  ownerId: string,
  workspaceId: string,
): Promise<void> {
  await db
    .deleteFrom("api_keys")
    .where("user_id", "=", ownerId)
    .where("token_name", "=", tokenNameOf(ownerId, workspaceId))
    .execute();
  // What it holds open ends with it.
  await events.publish(db, "access", ownerId);
}

const tokenNameOf = (ownerId: string, workspaceId: string) => `${ownerId}_${workspaceId}_session_token`;
