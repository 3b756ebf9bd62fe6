import { members } from "@slipway/api";
import { mayAssignOrganizationRole } from "../access/assignable-roles.ts";
import { type AccessObject, authorize, requireAccess } from "../access/authorize.ts";
import { requirePermission } from "../access/require-permission.ts";
import { organizationRoles } from "../access/roles.ts";
import { toAssignableRole } from "../access/to-api-roles.ts";
import { auditDiff, memberRules } from "../audit/diff.ts";
import type { Tx } from "../db/db.ts";
import { containsPattern } from "../db/like.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { OrganizationMemberRow, UserRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { requireAssignableOrganizationRoles } from "../users/assign-roles.ts";
import { findUser } from "../users/find-user.ts";
import { toMinimalUser } from "../users/to-api-user.ts";
import { findOrganization } from "./find-organization.ts";
import { listMembers, toApiMember, toApiMemberWithUser } from "./list-members.ts";

type Request = { auth: { user: { id: string } }; ip: string; userAgent: string; requestId: string };

/** Who belongs to an organization, and with which roles. */
export function registerMemberRoutes(app: App, deps: Deps): void {
  const { db, clock, audit, events } = deps;

  registerRoute(app, members.getMembers, async ({ auth, params, query }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    const { rows } = await listMembers(db, auth.subject, organization.id, query);
    return { status: 200, body: rows.map(toApiMemberWithUser) };
  });

  registerRoute(app, members.getPaginatedMembers, async ({ auth, params, query }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    const { rows, count } = await listMembers(db, auth.subject, organization.id, query);
    return { status: 200, body: { members: rows.map(toApiMemberWithUser), count } };
  });

  registerRoute(app, members.getMember, async ({ auth, params }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    const user = await findUser(db, auth, params.user);
    const { rows } = await listMembers(db, auth.subject, organization.id, { userId: user.id });
    if (!rows[0]) throw notFound();
    return { status: 200, body: toApiMemberWithUser(rows[0]) };
  });

  registerRoute(app, members.addMember, async (req) => {
    const { auth, params } = req;
    const organization = await findOrganization(db, auth.subject, params.organization);
    requirePermission(auth.subject, "create", {
      type: "organization_member",
      organizationId: organization.id,
    });
    const user = await findUser(db, auth, params.user);
    const now = clock.now();
    const row = await db.transaction().execute(async (tx) => {
      const added = await tx
        .insertInto("organization_members")
        .values({ organization_id: organization.id, user_id: user.id, created_at: now, updated_at: now })
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((err: unknown) => {
          if (!isUniqueViolation(err)) throw err;
          throw new ApiError("conflict", `${user.username} is a member of the organization already.`, {
            cause: err,
          });
        });
      await record(tx, req, "create", user, null, added);
      return added;
    });
    return { status: 200, body: toApiMember(row) };
  });

  registerRoute(app, members.removeMember, async (req) => {
    const { auth, params } = req;
    const organization = await findOrganization(db, auth.subject, params.organization);
    const user = await findUser(db, auth, params.user);
    await db.transaction().execute(async (tx) => {
      const membership = await lockMembership(tx, organization.id, user.id);
      requireAccess(auth.subject, "delete", memberObject(membership));
      // Taking a membership takes its roles.
      requireAssignableOrganizationRoles(auth.subject, organization.id, membership.roles, []);
      await tx
        .deleteFrom("organization_members")
        .where("organization_id", "=", organization.id)
        .where("user_id", "=", user.id)
        .execute();
      await record(tx, req, "delete", user, membership, null);
    });
    return { status: 204 };
  });

  registerRoute(app, members.updateMemberRoles, async (req) => {
    const { auth, params } = req;
    const organization = await findOrganization(db, auth.subject, params.organization);
    const user = await findUser(db, auth, params.user);
    if (user.id === auth.user.id)
      throw new ApiError("bad_request", "You cannot change your own organization roles.");
    // Roles that stay as they are need no right of their own; asking for it does.
    requirePermission(auth.subject, "assign", { type: "assign_org_role", organizationId: organization.id });
    const roles = [...new Set(req.body.roles)].filter((role) => role !== "organization-member");
    const row = await db.transaction().execute(async (tx) => {
      const before = await lockMembership(tx, organization.id, user.id);
      requireAccess(auth.subject, "read", memberObject(before));
      requireAssignableOrganizationRoles(auth.subject, organization.id, before.roles, roles);
      const after = await tx
        .updateTable("organization_members")
        .set({ roles, updated_at: clock.now() })
        .where("organization_id", "=", organization.id)
        .where("user_id", "=", user.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      await record(tx, req, "write", user, before, after);
      return after;
    });
    return { status: 200, body: toApiMember(row) };
  });

  registerRoute(app, members.getOrganizationRoles, async ({ auth, params }) => {
    const { id: organizationId } = await findOrganization(db, auth.subject, params.organization);
    requirePermission(auth.subject, "read", { type: "assign_org_role", organizationId });
    const body = Object.entries(organizationRoles)
      // What service accounts have instead of membership is nobody's to see or give.
      .filter(([name]) => name !== "organization-service-account")
      .map(([name, role]) =>
        toAssignableRole(name, role, {
          assignable: mayAssignOrganizationRole(auth.subject, organizationId, name),
          organizationId,
        }),
      );
    return { status: 200, body };
  });

  registerRoute(app, members.getAvailableWorkspaceOwners, async ({ auth, params, query }) => {
    const { id: organizationId } = await findOrganization(db, auth.subject, params.organization);
    const user = await findUser(db, auth, params.user);
    if (user.id !== auth.user.id) throw notFound();
    const mayCreateFor = (ownerId: string) =>
      authorize(auth.subject, "create", { type: "workspace", ownerId, organizationId });
    let candidates = db
      .selectFrom("organization_members as m")
      .innerJoin("users as u", "u.id", "m.user_id")
      .select(["u.id", "u.username", "u.name", "u.avatar_url"])
      .where("m.organization_id", "=", organizationId)
      .where("u.deleted", "=", false)
      .where("u.is_system", "=", false)
      .orderBy((eb) => eb.fn("lower", ["u.username"]));
    // Who may make workspaces for one other person may do it for all of them.
    if (!mayCreateFor("anybody else")) {
      if (!mayCreateFor(auth.user.id)) return { status: 200, body: [] };
      candidates = candidates.where("u.id", "=", auth.user.id);
    }
    if (query.q) candidates = candidates.where("u.username", "ilike", containsPattern(query.q));
    if (query.limit && query.limit > 0) candidates = candidates.limit(query.limit);
    if (query.offset && query.offset > 0) candidates = candidates.offset(query.offset);
    return { status: 200, body: (await candidates.execute()).map(toMinimalUser) };
  });

  async function lockMembership(
    tx: Tx,
    organizationId: string,
    userId: string,
  ): Promise<OrganizationMemberRow> {
    const row = await tx
      .selectFrom("organization_members")
      .selectAll()
      .where("organization_id", "=", organizationId)
      .where("user_id", "=", userId)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw notFound();
    return row;
  }

  /** Writes the change down and has the member's live access judged again. */
  async function record(
    tx: Tx,
    req: Request,
    action: "create" | "write" | "delete",
    user: UserRow,
    before: OrganizationMemberRow | null,
    after: OrganizationMemberRow | null,
  ): Promise<void> {
    await audit.record(tx, {
      action,
      resourceType: "organization_member",
      resourceId: user.id,
      resourceTarget: user.username,
      organizationId: (after ?? before)?.organization_id,
      userId: req.auth.user.id,
      diff: auditDiff(memberRules, before, after),
      statusCode: action === "delete" ? 204 : 200,
      request: req,
    });
    await events.publish(tx, "access", user.id);
  }
}

function memberObject(row: OrganizationMemberRow): AccessObject {
  return {
    type: "organization_member",
    id: row.user_id,
    ownerId: row.user_id,
    organizationId: row.organization_id,
  };
}
