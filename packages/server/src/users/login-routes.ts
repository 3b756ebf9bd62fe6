import { users } from "@slipway/api";
import { sql } from "kysely";
import { auditDiff, userRules } from "../audit/diff.ts";
import type { UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { generateSshKey } from "../git-ssh/generate-ssh-key.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { attemptsPerMinute } from "../http/rate-limit.ts";
import { registerRoute } from "../http/register-route.ts";
import { createSessionCookies } from "../http/session-cookies.ts";
import { defaultOrganization } from "../organizations/default-organization.ts";
import { createApiKey } from "../tokens/create-api-key.ts";
import { createUserWithOrg } from "./create-user.ts";
import { hashPassword, passwordWeakness, verifyPassword } from "./passwords.ts";

/** Serialises first users. */
const firstUserLock = 0x736c_7701;

/** The first user, logging in and logging out. */
export function registerLoginRoutes(app: App, deps: Deps): void {
  const { db, clock, config, audit, log } = deps;
  const cookies = createSessionCookies(config);

  const anyUserExists = (executor: Pick<Deps["db"], "selectFrom">) =>
    executor.selectFrom("users").select("id").where("is_system", "=", false).limit(1).executeTakeFirst();

  registerRoute(app, users.getFirstUser, async () => {
    if (!(await anyUserExists(db))) {
      throw new ApiError("not_found", "The initial user has not been created!", {
        detail: "Create it with POST /api/v2/users/first, or with `coder login`.",
      });
    }
    return { status: 200, body: { message: "The initial user has already been created!" } };
  });

  registerRoute(
    app,
    users.createFirstUser,
    async (req) => {
      const { email, username, name, password } = req.body;
      const exists = () => new ApiError("conflict", "The initial user already exists.");
      // Looked at first, so that nobody makes us hash passwords for nothing.
      if (await anyUserExists(db)) throw exists();
      const weakness = passwordWeakness(password);
      if (weakness) throw invalidField("password", weakness, "Password is not strong enough!");
      const [hashedPassword, sshKey] = await Promise.all([
        hashPassword(password),
        generateSshKey(config.sshKeygenAlgorithm),
      ]);
      const created = await db.transaction().execute(async (tx) => {
        // Of two first users at the same moment one waits here, and then is not the first.
        await sql`select pg_advisory_xact_lock(${firstUserLock})`.execute(tx);
        if (await anyUserExists(tx)) throw exists();
        const organization = await defaultOrganization(tx);
        const user = await createUserWithOrg(tx, deps, {
          username,
          email,
          name,
          hashedPassword,
          loginType: "password",
          status: "active",
          roles: ["owner"],
          organizationIds: [organization.id],
          sshKey,
        });
        await audit.record(tx, {
          action: "create",
          resourceType: "user",
          resourceId: user.id,
          resourceTarget: user.username,
          userId: user.id,
          diff: auditDiff(userRules, null, user),
          statusCode: 201,
          request: req,
        });
        return { user, organization };
      });
      log.info({ userId: created.user.id, username }, "the first user was created");
      return { status: 201, body: { user_id: created.user.id, organization_id: created.organization.id } };
    },
    { rateLimitPerMinute: attemptsPerMinute },
  );

  // Passcodes travel by e-mail, and this version sends none (access.md 5). Said for every address alike, so that
  // nobody learns whose account it is, and nobody waits for a message.
  registerRoute(
    app,
    users.requestOneTimePasscode,
    async () => {
      throw new ApiError("forbidden", "This deployment cannot send one-time passcodes.", {
        detail:
          "It sends no e-mail. Ask an administrator for a new password, or run `coder reset-password` on the server.",
      });
    },
    { rateLimitPerMinute: attemptsPerMinute },
  );

  registerRoute(
    app,
    users.changePasswordWithOneTimePasscode,
    async () => {
      throw new ApiError("bad_request", "Incorrect email or one-time passcode.");
    },
    { rateLimitPerMinute: attemptsPerMinute },
  );

  registerRoute(app, users.getAuthMethods, async () => ({
    status: 200,
    body: {
      ...(config.termsOfServiceUrl ? { terms_of_service_url: config.termsOfServiceUrl } : {}),
      password: { enabled: !config.disablePasswordAuth },
      github: { enabled: false, default_provider_configured: false },
      oidc: { enabled: false, signInText: "", iconUrl: "" },
    },
  }));

  registerRoute(
    app,
    users.login,
    async (req) => {
      const { email, password } = req.body;
      const user = await db
        .selectFrom("users")
        .selectAll()
        .where("deleted", "=", false)
        .where("email", "<>", "")
        .where((eb) => eb(eb.fn("lower", ["email"]), "=", email.toLowerCase()))
        .executeTakeFirst();
      const isRight = await verifyPassword(user?.hashed_password ?? null, password);
      if (!user || !isRight || user.login_type !== "password") {
        if (user) await recordLogin(user, 401, req);
        throw new ApiError("unauthorized", "Incorrect email or password.");
      }
      // What follows tells of the account, and only its owner gets this far.
      const refusal = loginRefusal(user);
      if (refusal) {
        await recordLogin(user, refusal.status, req);
        throw refusal;
      }
      const now = clock.now();
      const key = await db.transaction().execute(async (tx) => {
        const updated = await tx
          .updateTable("users")
          .set({ status: "active", last_seen_at: now })
          .where("id", "=", user.id)
          .where("deleted", "=", false)
          .where("status", "<>", "suspended")
          .where("hashed_password", "=", user.hashed_password)
          .executeTakeFirst();
        // Hashing takes a while: the account was deleted, suspended or given another password meanwhile.
        if (updated.numUpdatedRows === 0n) throw new ApiError("unauthorized", "Incorrect email or password.");
        const made = await createApiKey(tx, {
          userId: user.id,
          loginType: "password",
          lifetimeMs: config.sessionDurationMs,
          ip: req.ip,
          now,
        });
        await recordLogin(user, 201, req, tx);
        return made.key;
      });
      cookies.set(req.raw.raw, req.reply, key);
      return { status: 201, body: { session_token: key } };
    },
    { rateLimitPerMinute: attemptsPerMinute },
  );

  registerRoute(app, users.logout, async (req) => {
    const { user, key } = req.auth;
    await db.transaction().execute(async (tx) => {
      await tx.deleteFrom("api_keys").where("id", "=", key.id).execute();
      await audit.record(tx, {
        action: "logout",
        resourceType: "api_key",
        resourceId: key.id,
        resourceTarget: user.username,
        userId: user.id,
        statusCode: 200,
        request: req,
      });
      await deps.events.publish(tx, "access", user.id);
    });
    cookies.clear(req.raw.raw, req.reply);
    return { status: 200, body: { message: "Logged out!" } };
  });

  registerRoute(
    app,
    users.validatePassword,
    async ({ body }) => {
      const weakness = passwordWeakness(body.password);
      return { status: 200, body: { valid: weakness === null, details: weakness ?? "" } };
    },
    { rateLimitPerMinute: attemptsPerMinute },
  );

  function loginRefusal(user: UserRow): ApiError | null {
    if (user.status === "suspended") {
      return new ApiError(
        "unauthorized",
        "Your account is suspended. Contact an admin to reactivate your account.",
      );
    }
    if (config.disablePasswordAuth && !user.roles.includes("owner")) {
      return new ApiError("forbidden", "Password authentication is disabled!");
    }
    return null;
  }

  function recordLogin(
    user: UserRow,
    statusCode: number,
    request: { ip: string; userAgent: string; requestId: string },
    executor: Parameters<Deps["audit"]["record"]>[0] = db,
  ): Promise<void> {
    return audit.record(executor, {
      action: "login",
      resourceType: "api_key",
      resourceId: user.id,
      resourceTarget: user.username,
      userId: user.id,
      statusCode,
      request,
    });
  }
}
