import { apiKeys, randomName } from "@slipway/api";
import { accessFilter } from "../access/access-filter.ts";
import { apiKeyRules, auditDiff } from "../audit/diff.ts";
import type { Tx } from "../db/db.ts";
import type { ApiKeyRow, UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { invalidField, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { type Auth, unauthorized } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { findUser } from "../users/find-user.ts";
import { createApiKey, type NewApiKey } from "./create-api-key.ts";
import { requireManageKeys } from "./manage-keys.ts";
import { toApiKey } from "./to-api-key.ts";
import { requestedScopes, requireNotStronger } from "./token-scopes.ts";

const nsPerMs = 1_000_000;

type Request = { auth: Auth; ip: string; userAgent: string; requestId: string };

/** Keys of sessions and API tokens. */
export function registerTokenRoutes(app: App, deps: Deps): void {
  const { db, clock, config, audit, events } = deps;

  /** Judged on the account, not on who asks (access.md 1.1, 16). */
  const maxLifetimeMs = (user: UserRow) =>
    user.roles.includes("owner") ? config.maxAdminTokenLifetimeMs : config.maxTokenLifetimeMs;

  registerRoute(app, apiKeys.createSessionKey, async (req) => {
    const user = await findUser(db, req.auth, req.params.user);
    await requireManageKeys(db, req.auth, "create", user);
    const { scopes, allow_list: allowList } = req.auth.key;
    const kind = kindOfSessionKey(req.auth.key, user);
    const key = await db.transaction().execute(async (tx) => {
      await requireStillSignedIn(tx, req.auth, user);
      const made = await createApiKey(tx, {
        userId: user.id,
        ...kind,
        // No stronger than the key that makes it.
        scopes,
        allowList,
        ip: req.ip,
        now: clock.now(),
      });
      await record(tx, req, "create", user, null, made.row, 201);
      return made.key;
    });
    return { status: 201, body: { key } };
  });

  registerRoute(app, apiKeys.createToken, async (req) => {
    const { auth, body } = req;
    const user = await findUser(db, auth, req.params.user);
    await requireManageKeys(db, auth, "create", user);
    const scopes = requestedScopes(body);
    const allowList = body.allow_list.length > 0 ? body.allow_list : ["*:*"];
    requireNotStronger(auth.key, { scopes, allowList });
    const lifetimeMs = lifetimeFor(user, body.lifetime);
    const key = await db.transaction().execute(async (tx) => {
      await requireStillSignedIn(tx, auth, user);
      const made = await createApiKey(tx, {
        userId: user.id,
        loginType: "token",
        lifetimeMs,
        tokenName: body.token_name || randomName(),
        scopes,
        allowList,
        ip: req.ip,
        now: clock.now(),
      });
      await record(tx, req, "create", user, null, made.row, 201);
      return made.key;
    });
    return { status: 201, body: { key } };
  });

  registerRoute(app, apiKeys.getTokens, async ({ auth, params, query }) => {
    const user = await findUser(db, auth, params.user);
    let rows = db
      .selectFrom("api_keys")
      .innerJoin("users", "users.id", "api_keys.user_id")
      .selectAll("api_keys")
      .select("users.username")
      .where("api_keys.login_type", "=", "token")
      .where("users.deleted", "=", false)
      .orderBy("api_keys.created_at");
    if (query.include_all) rows = rows.where(accessFilter(auth.subject, "read", "api_key"));
    else {
      await requireManageKeys(db, auth, "read", user);
      rows = rows.where("api_keys.user_id", "=", user.id);
    }
    if (!query.include_expired) rows = rows.where("api_keys.expires_at", ">", clock.now());
    const body = (await rows.execute()).map(({ username, ...row }) => ({ ...toApiKey(row), username }));
    return { status: 200, body };
  });

  registerRoute(app, apiKeys.getTokenConfig, async ({ auth, params }) => {
    const user = await findUser(db, auth, params.user);
    return { status: 200, body: { max_token_lifetime: maxLifetimeMs(user) * nsPerMs } };
  });

  registerRoute(app, apiKeys.getTokenByName, async ({ auth, params }) => {
    const user = await findUser(db, auth, params.user);
    const row = await db
      .selectFrom("api_keys")
      .selectAll()
      .where("user_id", "=", user.id)
      .where("login_type", "=", "token")
      .where("token_name", "=", params.keyname)
      .executeTakeFirst();
    if (!row) throw notFound();
    await requireManageKeys(db, auth, "read", user, row.id);
    return { status: 200, body: toApiKey(row) };
  });

  registerRoute(app, apiKeys.getKey, async ({ auth, params }) => {
    const user = await findUser(db, auth, params.user);
    const row = await keyOf(user, params.keyid);
    await requireManageKeys(db, auth, "read", user, row.id);
    return { status: 200, body: toApiKey(row) };
  });

  registerRoute(app, apiKeys.deleteKey, async (req) => {
    const user = await findUser(db, req.auth, req.params.user);
    const row = await keyOf(user, req.params.keyid);
    await requireManageKeys(db, req.auth, "delete", user, row.id);
    await db.transaction().execute(async (tx) => {
      await tx.deleteFrom("api_keys").where("id", "=", row.id).execute();
      await record(tx, req, "delete", user, row, null, 204);
    });
    return { status: 204 };
  });

  registerRoute(app, apiKeys.expireKey, async (req) => {
    const user = await findUser(db, req.auth, req.params.user);
    const before = await keyOf(user, req.params.keyid);
    await requireManageKeys(db, req.auth, "update", user, before.id);
    const now = clock.now();
    if (before.expires_at <= now) return { status: 204 };
    await db.transaction().execute(async (tx) => {
      const after = await tx
        .updateTable("api_keys")
        .set({ expires_at: now, updated_at: now })
        .where("id", "=", before.id)
        .returningAll()
        .executeTakeFirst();
      if (!after) throw notFound();
      await record(tx, req, "write", user, before, after, 204);
    });
    return { status: 204 };
  });

  /** A session goes on for as long as it is used. What a token makes ends with the token at the latest. */
  function kindOfSessionKey(
    by: ApiKeyRow,
    user: UserRow,
  ): Pick<NewApiKey, "loginType" | "lifetimeMs" | "tokenName"> {
    const lifetimeMs = config.defaultTokenLifetimeMs;
    if (by.login_type !== "token") return { loginType: user.login_type, lifetimeMs };
    const leftMs = by.expires_at.getTime() - clock.now().getTime();
    return { loginType: "token", tokenName: randomName(), lifetimeMs: Math.min(lifetimeMs, leftMs) };
  }

  function lifetimeFor(user: UserRow, lifetimeNs: number | undefined): number {
    const maxMs = maxLifetimeMs(user);
    if (!lifetimeNs) return Math.min(config.defaultTokenLifetimeMs, maxMs);
    const lifetimeMs = lifetimeNs / nsPerMs;
    if (lifetimeMs < 1_000)
      throw invalidField("lifetime", "lifetime must be at least one second, in nanoseconds.");
    if (lifetimeMs > maxMs) {
      const hours = Math.floor(maxMs / 3_600_000);
      throw invalidField("lifetime", `lifetime must be at most ${hours}h for this account.`);
    }
    return lifetimeMs;
  }

  /**
   * A new password ends all keys of its account: one that is made at the same moment, by who must be locked out, must
   * not outlive it. The lock lets one of the two finish before the other.
   */
  async function requireStillSignedIn(tx: Tx, auth: Auth, target: UserRow): Promise<void> {
    await tx
      .selectFrom("users")
      .select("id")
      .where("id", "in", [auth.user.id, target.id])
      .orderBy("id")
      .forShare()
      .execute();
    const present = await tx
      .selectFrom("api_keys")
      .select("id")
      .where("id", "=", auth.key.id)
      .where("expires_at", ">", clock.now())
      .executeTakeFirst();
    if (!present) throw unauthorized("The session was ended meanwhile.");
  }

  async function keyOf(user: UserRow, id: string): Promise<ApiKeyRow> {
    const row = await db
      .selectFrom("api_keys")
      .selectAll()
      .where("id", "=", id)
      .where("user_id", "=", user.id)
      .executeTakeFirst();
    if (!row) throw notFound();
    return row;
  }

  /** Writes the change down and has live access by the account's keys judged again. */
  async function record(
    tx: Tx,
    req: Request,
    action: "create" | "write" | "delete",
    user: UserRow,
    before: ApiKeyRow | null,
    after: ApiKeyRow | null,
    statusCode: number,
  ): Promise<void> {
    const row = after ?? before;
    await audit.record(tx, {
      action,
      resourceType: "api_key",
      resourceId: row?.id ?? "",
      resourceTarget: row?.token_name || (row?.id ?? ""),
      userId: req.auth.user.id,
      diff: auditDiff(apiKeyRules, before, after),
      statusCode,
      request: req,
      additionalFields: { owner: user.username },
    });
    await events.publish(tx, "access", user.id);
  }
}
