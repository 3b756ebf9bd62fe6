import { users } from "@slipway/api";
import { accessFilter } from "../access/access-filter.ts";
import { authorize, requireAccess, userObject } from "../access/authorize.ts";
import { requirePermission } from "../access/require-permission.ts";
import { auditDiff, userRules } from "../audit/diff.ts";
import { keepWorkspacesOf, stopWorkspacesOf } from "../builds/stop-suspended.ts";
import type { Tx } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { generateSshKey } from "../git-ssh/generate-ssh-key.ts";
import { storeGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { ApiError, invalidField, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { toApiOrganization } from "../organizations/to-api-organization.ts";
import { requireAssignableSiteRoles } from "./assign-roles.ts";
import { autofillParameters } from "./autofill-parameters.ts";
import { nameTaken } from "./create-user.ts";
import { findUser } from "./find-user.ts";
import { lockRoles, requireMayManage, requireMayTakeOver } from "./manage-user.ts";
import { hashPassword, passwordWeakness, verifyPassword } from "./passwords.ts";
import { toApiUser } from "./to-api-user.ts";

const passwordChangesPerMinute = 60;

type Request = { auth: Auth; ip: string; userAgent: string; requestId: string };

/** One account: profile, status, password, roles, settings, Git key. */
export function registerAccountRoutes(app: App, deps: Deps): void {
  const { db, clock, audit, config, events } = deps;

  registerRoute(app, users.updateUserProfile, async (req) => {
    const { auth, body } = req;
    const target = await findUser(db, auth, req.params.user);
    requireMayManage(auth, "update_personal", target);
    if (body.username !== target.username && !authorize(auth.subject, "update", userObject(target))) {
      throw notFound();
    }
    const avatarUrl = body.avatar_url ?? target.avatar_url;
    if (avatarUrl !== target.avatar_url && target.login_type !== "password" && target.login_type !== "none") {
      throw invalidField("avatar_url", "The identity provider decides about the avatar of this account.");
    }
    const user = await change(req, target, (tx) =>
      updateUser(tx, target.id, {
        username: body.username,
        name: body.name ?? target.name,
        avatar_url: avatarUrl,
      }).catch((err: unknown) => {
        throw nameTaken(err) ?? err;
      }),
    );
    return { status: 200, body: await toApiUser(db, user) };
  });

  registerRoute(app, users.suspendUser, async (req) => {
    const target = await findUser(db, req.auth, req.params.user);
    requireAccess(req.auth.subject, "update", userObject(target));
    if (target.id === req.auth.user.id) throw new ApiError("bad_request", "You cannot suspend yourself.");
    if (target.roles.includes("owner")) {
      throw new ApiError(
        "bad_request",
        "You cannot suspend a user with the owner role. Take the role first.",
      );
    }
    requireMayManage(req.auth, "update", target);
    const user = await change(req, target, async (tx) => {
      const suspended = await updateUser(tx, target.id, { status: "suspended" });
      await stopWorkspacesOf(tx, target.id, req.auth.user.id);
      return suspended;
    });
    return { status: 200, body: await toApiUser(db, user) };
  });

  registerRoute(app, users.activateUser, async (req) => {
    const target = await findUser(db, req.auth, req.params.user);
    requireMayManage(req.auth, "update", target);
    const user = await change(req, target, async (tx) => {
      const active = await updateUser(tx, target.id, { status: "active" });
      await keepWorkspacesOf(tx, target.id);
      return active;
    });
    return { status: 200, body: await toApiUser(db, user) };
  });

  registerRoute(
    app,
    users.updateUserPassword,
    async (req) => {
      const { auth, body } = req;
      const target = await findUser(db, auth, req.params.user);
      const isSelf = target.id === auth.user.id;
      if (isSelf) requireMayManage(auth, "update_personal", target);
      else await requireMayTakeOver(db, auth, target);
      if (target.login_type !== "password") {
        throw new ApiError("bad_request", "Users that do not log in with a password cannot have one.");
      }
      const weakness = passwordWeakness(body.password);
      if (weakness) throw invalidField("password", weakness, "Password is not strong enough!");
      if (isSelf && !body.old_password) throw invalidField("old_password", "old_password is required.");
      if (body.old_password && !(await verifyPassword(target.hashed_password, body.old_password))) {
        throw invalidField("old_password", "Old password is incorrect.", "Old password is incorrect.");
      }
      if (target.hashed_password && (await verifyPassword(target.hashed_password, body.password))) {
        throw invalidField("password", "The new password must differ from the old one.");
      }
      const hashed = await hashPassword(body.password);
      await change(req, target, async (tx) => {
        const user = await updateUser(tx, target.id, { hashed_password: hashed });
        // Whoever knew the old password may hold keys that it gave.
        await tx.deleteFrom("api_keys").where("user_id", "=", target.id).execute();
        return user;
      });
      return { status: 204 };
    },
    { rateLimitPerMinute: passwordChangesPerMinute },
  );

  registerRoute(app, users.getUserRoles, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read", userObject(target));
    const memberships = await db
      .selectFrom("organization_members")
      .select(["organization_id", "roles"])
      .where("user_id", "=", target.id)
      .where(accessFilter(auth.subject, "read", "organization_member"))
      .execute();
    const organizationRoles = memberships.map((row): [string, string[]] => [row.organization_id, row.roles]);
    return {
      status: 200,
      body: { roles: target.roles, organization_roles: Object.fromEntries(organizationRoles) },
    };
  });

  registerRoute(app, users.updateUserRoles, async (req) => {
    const { auth } = req;
    const target = await findUser(db, auth, req.params.user);
    requireAccess(auth.subject, "read", userObject(target));
    if (target.id === auth.user.id) throw new ApiError("bad_request", "You cannot change your own roles.");
    // Roles that stay as they are need no right of their own; asking for it does.
    requirePermission(auth.subject, "assign", { type: "assign_role" });
    const roles = [...new Set(req.body.roles)].filter((role) => role !== "member");
    const user = await change(req, target, async (tx) => {
      const before = await lockRoles(tx, auth, target);
      requireAssignableSiteRoles(auth.subject, before, roles);
      return updateUser(tx, target.id, { roles });
    });
    return { status: 200, body: await toApiUser(db, user) };
  });

  registerRoute(app, users.getUserAppearance, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read_personal", userObject(target));
    return { status: 200, body: toAppearance(target) };
  });

  registerRoute(app, users.updateUserAppearance, async ({ auth, params, body }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "update_personal", userObject(target));
    const user = await updateUser(db, target.id, body);
    return { status: 200, body: toAppearance(user) };
  });

  registerRoute(app, users.getUserPreferences, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read_personal", userObject(target));
    return { status: 200, body: toPreferences(target) };
  });

  registerRoute(app, users.updateUserPreferences, async ({ auth, params, body }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "update_personal", userObject(target));
    const user = await updateUser(db, target.id, { preferences: JSON.stringify(body) });
    return { status: 200, body: toPreferences(user) };
  });

  registerRoute(app, users.getUserLoginType, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    if (target.id !== auth.user.id) {
      throw new ApiError("forbidden", "You may see your own login type only.");
    }
    return { status: 200, body: { login_type: target.login_type } };
  });

  registerRoute(app, users.getAutofillParameters, async ({ auth, params, query }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read_personal", userObject(target));
    return { status: 200, body: await autofillParameters(db, target.id, query.template_id) };
  });

  registerRoute(app, users.getUserOrganizations, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    const rows = await db
      .selectFrom("organizations")
      .selectAll("organizations")
      .innerJoin("organization_members as m", "m.organization_id", "organizations.id")
      .where("m.user_id", "=", target.id)
      .where("organizations.deleted", "=", false)
      .where(accessFilter(auth.subject, "read", "organization"))
      .orderBy("organizations.name")
      .execute();
    return { status: 200, body: rows.map(toApiOrganization) };
  });

  registerRoute(app, users.getUserOrganization, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    const organization = await findOrganization(db, auth.subject, params.organizationname);
    const membership = await db
      .selectFrom("organization_members")
      .select("user_id")
      .where("user_id", "=", target.id)
      .where("organization_id", "=", organization.id)
      .executeTakeFirst();
    if (!membership) throw notFound();
    return { status: 200, body: toApiOrganization(organization) };
  });

  registerRoute(app, users.getGitSSHKey, async ({ auth, params }) => {
    const target = await findUser(db, auth, params.user);
    requireAccess(auth.subject, "read_personal", userObject(target));
    const key = await db
      .selectFrom("git_ssh_keys")
      .selectAll()
      .where("user_id", "=", target.id)
      .executeTakeFirst();
    if (!key) throw notFound();
    return { status: 200, body: toApiKey(key) };
  });

  registerRoute(app, users.regenerateGitSSHKey, async (req) => {
    const target = await findUser(db, req.auth, req.params.user);
    requireMayManage(req.auth, "update_personal", target);
    const pair = await generateSshKey(config.sshKeygenAlgorithm);
    const key = await db.transaction().execute(async (tx) => {
      const before = await tx
        .selectFrom("git_ssh_keys")
        .select("public_key")
        .where("user_id", "=", target.id)
        .executeTakeFirst();
      const row = await storeGitSshKey(tx, deps, target.id, pair);
      await audit.record(tx, {
        action: "write",
        resourceType: "git_ssh_key",
        resourceId: target.id,
        resourceTarget: target.username,
        userId: req.auth.user.id,
        diff: {
          public_key: { old: before?.public_key ?? "", new: row.public_key, secret: false },
          private_key: { secret: true },
        },
        statusCode: 200,
        request: req,
      });
      return row;
    });
    return { status: 200, body: toApiKey(key) };
  });

  /** Changes an account, writes that down, and has the account's live access judged again. */
  async function change(
    req: Request,
    before: UserRow,
    apply: (tx: Tx) => Promise<UserRow>,
  ): Promise<UserRow> {
    return db.transaction().execute(async (tx) => {
      const after = await apply(tx);
      await audit.record(tx, {
        action: "write",
        resourceType: "user",
        resourceId: after.id,
        resourceTarget: after.username,
        userId: req.auth.user.id,
        diff: auditDiff(userRules, before, after),
        statusCode: 200,
        request: req,
      });
      await events.publish(tx, "access", after.id);
      return after;
    });
  }

  async function updateUser(
    executor: Tx | Deps["db"],
    id: string,
    values: Partial<
      Pick<
        UserRow,
        | "username"
        | "name"
        | "avatar_url"
        | "status"
        | "hashed_password"
        | "roles"
        | "theme_preference"
        | "terminal_font"
      > & { preferences: string }
    >,
  ): Promise<UserRow> {
    const row = await executor
      .updateTable("users")
      .set({ ...values, updated_at: clock.now() })
      .where("id", "=", id)
      .where("deleted", "=", false)
      .returningAll()
      .executeTakeFirst();
    if (!row) throw notFound();
    return row;
  }
}

/** What was never set is off. */
function toPreferences(user: UserRow): users.UserPreferenceSettings {
  return { task_notification_alert_dismissed: false, ...user.preferences };
}

function toAppearance(user: UserRow) {
  return { theme_preference: user.theme_preference, terminal_font: user.terminal_font };
}

function toApiKey(row: {
  user_id: string;
  public_key: string;
  created_at: Date;
  updated_at: Date;
}): users.GitSSHKey {
  return {
    user_id: row.user_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    public_key: row.public_key,
  };
}
