import { nilUuid, users } from "@slipway/api";
import { mayAssignSiteRole } from "../access/assignable-roles.ts";
import { requireAccess, userObject } from "../access/authorize.ts";
import { requirePermission } from "../access/require-permission.ts";
import { siteRoles } from "../access/roles.ts";
import { toAssignableRole } from "../access/to-api-roles.ts";
import { auditDiff, userRules } from "../audit/diff.ts";
import type { Tx } from "../db/db.ts";
import type { Deps } from "../deps.ts";
import { generateSshKey } from "../git-ssh/generate-ssh-key.ts";
import { ApiError, invalidField, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { requireAssignableSiteRoles } from "./assign-roles.ts";
import { createUserWithOrg } from "./create-user.ts";
import { findUser } from "./find-user.ts";
import { listUsers } from "./list-users.ts";
import { lockRoles, requireMayManage } from "./manage-user.ts";
import { hashPassword, passwordWeakness } from "./passwords.ts";
import { toApiUser, toApiUsers } from "./to-api-user.ts";

/** Listing, making, showing and deleting users. */
export function registerUserRoutes(app: App, deps: Deps): void {
  const { db, clock, audit, config, events } = deps;

  registerRoute(app, users.getUsers, async ({ auth, query }) => {
    const { rows, count } = await listUsers(db, auth.subject, query);
    return { status: 200, body: { users: await toApiUsers(db, rows), count } };
  });

  registerRoute(app, users.getSiteRoles, async ({ auth }) => {
    requirePermission(auth.subject, "read", { type: "assign_role" });
    const body = Object.entries(siteRoles).map(([name, role]) =>
      toAssignableRole(name, role, { assignable: mayAssignSiteRole(auth.subject, name) }),
    );
    return { status: 200, body };
  });

  registerRoute(app, users.getUser, async ({ auth, params }) => {
    const user = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read", userObject(user));
    return { status: 200, body: await toApiUser(db, user) };
  });

  registerRoute(app, users.createUser, async (req) => {
    const { auth, body } = req;
    requirePermission(auth.subject, "create", { type: "user" });
    const account = checkAccount(body, config);
    requireAssignableSiteRoles(auth.subject, [], body.roles);
    const [hashedPassword, sshKey] = await Promise.all([
      account.password === null ? null : hashPassword(account.password),
      generateSshKey(config.sshKeygenAlgorithm),
    ]);
    const user = await db.transaction().execute(async (tx) => {
      const row = await createUserWithOrg(tx, deps, {
        username: body.username,
        email: body.email ?? "",
        name: body.name,
        hashedPassword,
        loginType: account.loginType,
        status: body.user_status ?? "dormant",
        roles: body.roles.filter((role) => role !== "member"),
        isServiceAccount: account.isServiceAccount,
        organizationIds: await organizationsFor(tx, auth, body.organization_ids),
        sshKey,
      });
      await audit.record(tx, {
        action: "create",
        resourceType: "user",
        resourceId: row.id,
        resourceTarget: row.username,
        userId: auth.user.id,
        diff: auditDiff(userRules, null, row),
        statusCode: 201,
        request: req,
      });
      return row;
    });
    return { status: 201, body: await toApiUser(db, user) };
  });

  registerRoute(app, users.deleteUser, async (req) => {
    const { auth } = req;
    const target = await findUser(db, auth, req.params.user);
    requireMayManage(auth, "delete", target);
    if (target.id === auth.user.id) throw new ApiError("forbidden", "You cannot delete yourself!");
    await db.transaction().execute(async (tx) => {
      if (target.roles.includes("owner")) await lockRoles(tx, auth, target);
      // Locked, so that no workspace is made for the user while we count.
      const user = await tx
        .selectFrom("users")
        .selectAll()
        .where("id", "=", target.id)
        .where("deleted", "=", false)
        .forUpdate()
        .executeTakeFirst();
      if (!user) throw notFound();
      // Counted with the rights of the system: those that the caller does not see count too.
      const { count } = await tx
        .selectFrom("workspaces")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("owner_id", "=", user.id)
        .where("deleted", "=", false)
        .executeTakeFirstOrThrow();
      if (count > 0) {
        throw new ApiError(
          "expectation_failed",
          `You cannot delete a user that has workspaces. Delete their ${count} workspace(s) and try again!`,
        );
      }
      const now = clock.now();
      await tx
        .updateTable("users")
        .set({ deleted: true, updated_at: now })
        .where("id", "=", user.id)
        .execute();
      await tx.deleteFrom("api_keys").where("user_id", "=", user.id).execute();
      await tx.deleteFrom("organization_members").where("user_id", "=", user.id).execute();
      await audit.record(tx, {
        action: "delete",
        resourceType: "user",
        resourceId: user.id,
        resourceTarget: user.username,
        userId: auth.user.id,
        diff: auditDiff(userRules, user, null),
        statusCode: 200,
        request: req,
      });
      await events.publish(tx, "access", user.id);
    });
    return { status: 200, body: { message: "User has been deleted!" } };
  });

  async function organizationsFor(tx: Tx, auth: Auth, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) {
      throw invalidField("organization_ids", "organization_ids must name at least one organization.");
    }
    const wanted = new Set(ids);
    const found = await tx
      .selectFrom("organizations")
      .select(["id", "is_default"])
      .where("deleted", "=", false)
      .where((eb) => eb.or([eb("id", "in", [...wanted]), eb("is_default", "=", wanted.has(nilUuid))]))
      .execute();
    const organizations = found.filter(
      (row) => wanted.has(row.id) || (row.is_default && wanted.has(nilUuid)),
    );
    if (organizations.length < wanted.size) {
      const isBoth = wanted.has(nilUuid) && organizations.some((row) => row.is_default && wanted.has(row.id));
      if (!isBoth) throw notFound();
    }
    for (const { id: organizationId } of organizations) {
      requireAccess(auth.subject, "create", { type: "organization_member", organizationId });
    }
    return organizations.map((row) => row.id);
  }
}

type NewAccount = {
  loginType: "password" | "github" | "oidc" | "none";
  /** `null` for accounts that do not log in with one. */
  password: string | null;
  isServiceAccount: boolean;
};

/** Which of the fields fit together (rest-api.md 5.2, access.md 2.4). */
function checkAccount(body: users.CreateUserRequest, config: Deps["config"]): NewAccount {
  if (body.service_account) {
    if (body.login_type && body.login_type !== "none") {
      throw invalidField("login_type", "Service accounts cannot log in. Leave login_type out, or say none.");
    }
    if (body.password) throw invalidField("password", "Service accounts have no password. Leave it out.");
    if (body.email) throw invalidField("email", "Service accounts have no e-mail. Leave it out.");
    return { loginType: "none", password: null, isServiceAccount: true };
  }
  if (!body.email) throw invalidField("email", "email is required.");
  const loginType = body.login_type ?? "password";
  if (loginType === "none") {
    throw invalidField("login_type", "Only service accounts have the login type none. Set service_account.");
  }
  if (loginType !== "password") {
    if (body.password)
      throw invalidField("password", `Accounts that log in by ${loginType} have no password.`);
    throw invalidField("login_type", `Logging in by ${loginType} is not configured on this deployment.`);
  }
  if (config.disablePasswordAuth) {
    throw new ApiError(
      "forbidden",
      "You cannot manually provision new users with password authentication disabled!",
    );
  }
  const password = body.password ?? "";
  if (password === "") throw invalidField("password", "password is required.");
  const weakness = passwordWeakness(password);
  if (weakness) throw invalidField("password", weakness, "Password is not strong enough!");
  return { loginType, password, isServiceAccount: false };
}
