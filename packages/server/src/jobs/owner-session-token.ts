import type { Deps } from "../deps.ts";
import { createApiKey } from "../tokens/create-api-key.ts";

/**
 * The token with which a workspace acts as its owner: each start revokes the old one and makes a new one, a
 * stop or a delete only revokes (provisioning.md §1.7). Empty when there is none.
 */
export async function renewSessionToken(
  deps: Pick<Deps, "db" | "clock" | "config">,
  { ownerId, workspaceId, isStart }: { ownerId: string; workspaceId: string; isStart: boolean },
): Promise<string> {
  const tokenName = `${ownerId}_${workspaceId}_session_token`;
  return deps.db.transaction().execute(async (tx) => {
    await tx
      .deleteFrom("api_keys")
      .where("user_id", "=", ownerId)
      .where("token_name", "=", tokenName)
      .execute();
    if (!isStart) return "";
    const owner = await tx
      .selectFrom("users")
      .select(["login_type", "is_system"])
      .where("id", "=", ownerId)
      .executeTakeFirstOrThrow();
    if (owner.is_system) return "";
    const { key } = await createApiKey(tx, {
      userId: ownerId,
      loginType: owner.login_type,
      lifetimeMs: deps.config.maxTokenLifetimeMs,
      tokenName,
      now: deps.clock.now(),
    });
    return key;
  });
}
