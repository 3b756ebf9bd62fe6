import { randomUUID } from "node:crypto";
import { organizations } from "@slipway/api";
import { accessFilter } from "../access/access-filter.ts";
import { organizationObject, requireAccess } from "../access/authorize.ts";
import { requirePermission } from "../access/require-permission.ts";
import { auditDiff, organizationRules } from "../audit/diff.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { OrganizationRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { requireAssignableOrganizationRoles } from "../users/assign-roles.ts";
import { findOrganization } from "./find-organization.ts";
import { toApiOrganization } from "./to-api-organization.ts";

type Request = { auth: { user: { id: string } }; ip: string; userAgent: string; requestId: string };

/** Organizations themselves. */
export function registerOrganizationRoutes(app: App, deps: Deps): void {
  const { db, clock, audit, events } = deps;

  registerRoute(app, organizations.getOrganizations, async ({ auth }) => {
    const rows = await db
      .selectFrom("organizations")
      .selectAll()
      .where("deleted", "=", false)
      .where(accessFilter(auth.subject, "read", "organization"))
      .orderBy("name")
      .execute();
    return { status: 200, body: rows.map(toApiOrganization) };
  });

  registerRoute(app, organizations.getOrganization, async ({ auth, params }) => {
    const row = await findOrganization(db, auth.subject, params.organization);
    return { status: 200, body: toApiOrganization(row) };
  });

  registerRoute(app, organizations.createOrganization, async (req) => {
    const { auth, body } = req;
    requirePermission(auth.subject, "create", { type: "organization" });
    const now = clock.now();
    const row = await db.transaction().execute(async (tx) => {
      const made = await tx
        .insertInto("organizations")
        .values({
          id: randomUUID(),
          name: body.name,
          display_name: body.display_name || body.name,
          description: body.description ?? "",
          icon: body.icon ?? "",
          created_at: now,
          updated_at: now,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((err: unknown) => {
          throw nameTaken(err, body.name) ?? err;
        });
      await tx
        .insertInto("organization_members")
        .values({
          organization_id: made.id,
          user_id: auth.user.id,
          roles: ["organization-admin"],
          created_at: now,
          updated_at: now,
        })
        .execute();
      await record(tx, req, "create", null, made, 201);
      await events.publish(tx, "access", auth.user.id);
      return made;
    });
    return { status: 201, body: toApiOrganization(row) };
  });

  registerRoute(app, organizations.updateOrganization, async (req) => {
    const { auth, body } = req;
    const before = await findOrganization(db, auth.subject, req.params.organization);
    requireAccess(auth.subject, "update", organizationObject(before));
    const memberRoles = body.default_org_member_roles;
    if (memberRoles) {
      requireAssignableOrganizationRoles(
        auth.subject,
        before.id,
        before.default_org_member_roles,
        memberRoles,
      );
    }
    const after = await db.transaction().execute(async (tx) => {
      const row = await tx
        .updateTable("organizations")
        .set({
          name: body.name || before.name,
          display_name: body.display_name ?? before.display_name,
          description: body.description ?? before.description,
          icon: body.icon ?? before.icon,
          default_org_member_roles: memberRoles ?? before.default_org_member_roles,
          updated_at: clock.now(),
        })
        .where("id", "=", before.id)
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((err: unknown) => {
          throw nameTaken(err, body.name ?? "") ?? err;
        });
      await record(tx, req, "write", before, row, 200);
      if (memberRoles) {
        const members = await tx
          .selectFrom("organization_members")
          .select("user_id")
          .where("organization_id", "=", before.id)
          .execute();
        for (const { user_id: userId } of members) await events.publish(tx, "access", userId);
      }
      return row;
    });
    return { status: 200, body: toApiOrganization(after) };
  });

  registerRoute(app, organizations.deleteOrganization, async (req) => {
    const { auth } = req;
    const organization = await findOrganization(db, auth.subject, req.params.organization);
    requireAccess(auth.subject, "delete", organizationObject(organization));
    if (organization.is_default) throw new ApiError("bad_request", "Default organization cannot be deleted.");
    await db.transaction().execute(async (tx) => {
      await tx
        .selectFrom("organizations")
        .select("id")
        .where("id", "=", organization.id)
        .forUpdate()
        .execute();
      const left = await whatIsLeft(tx, organization.id, auth.user.id);
      if (left.length > 0) {
        throw new ApiError("bad_request", `The organization still has ${left.join(", ")}.`, {
          detail: "Delete or remove them first.",
        });
      }
      const row = await tx
        .updateTable("organizations")
        .set({ deleted: true, updated_at: clock.now() })
        .where("id", "=", organization.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      await tx.deleteFrom("organization_members").where("organization_id", "=", organization.id).execute();
      await record(tx, req, "delete", organization, row, 200);
      await events.publish(tx, "access", auth.user.id);
    });
    return { status: 200, body: { message: "Organization has been deleted." } };
  });

  function record(
    tx: Tx,
    req: Request,
    action: "create" | "write" | "delete",
    before: OrganizationRow | null,
    after: OrganizationRow,
    statusCode: number,
  ): Promise<void> {
    return audit.record(tx, {
      action,
      resourceType: "organization",
      resourceId: after.id,
      resourceTarget: after.name,
      organizationId: after.id,
      userId: req.auth.user.id,
      diff: auditDiff(organizationRules, before, after),
      statusCode,
      request: req,
    });
  }
}

/** What keeps an organization from being deleted, with its counts. The one who deletes it does not. */
async function whatIsLeft(tx: Tx, organizationId: string, exceptUserId: string): Promise<string[]> {
  const count = async (table: "workspaces" | "templates") =>
    tx
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("organization_id", "=", organizationId)
      .where("deleted", "=", false)
      .executeTakeFirstOrThrow();
  const workspaces = await count("workspaces");
  const templates = await count("templates");
  const keys = await tx
    .selectFrom("provisioner_keys")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("organization_id", "=", organizationId)
    .executeTakeFirstOrThrow();
  const members = await tx
    .selectFrom("organization_members")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("organization_id", "=", organizationId)
    .where("user_id", "<>", exceptUserId)
    .executeTakeFirstOrThrow();
  return [
    [workspaces.count, "workspaces"] as const,
    [templates.count, "templates"] as const,
    [members.count, "members"] as const,
    [keys.count, "provisioner keys"] as const,
  ]
    .filter(([number]) => number > 0)
    .map(([number, name]) => `${number} ${name}`);
}

function nameTaken(err: unknown, name: string): ApiError | null {
  if (!isUniqueViolation(err, "organizations_name")) return null;
  return new ApiError("conflict", `An organization named "${name}" already exists.`, {
    validations: [{ field: "name", detail: "This value is already in use and should be unique." }],
    cause: err,
  });
}
