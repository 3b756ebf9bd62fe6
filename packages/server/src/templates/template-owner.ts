import type { WorkspaceOwner } from "@slipway/template";
import type { Db, Tx } from "../db/db.ts";

/**
 * What a template may know of its owner before a build: nothing secret (provisioning.md 9). Site roles carry no
 * organization, those of the organization carry it (provisioning.md 1.7).
 */
export async function templateOwner(
  db: Db | Tx,
  userId: string,
  organizationId: string,
): Promise<WorkspaceOwner> {
  const [user, member] = await Promise.all([
    db
      .selectFrom("users as u")
      .leftJoin("git_ssh_keys as k", "k.user_id", "u.id")
      .select(["u.id", "u.username", "u.name", "u.email", "u.login_type", "u.roles", "k.public_key"])
      .where("u.id", "=", userId)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom("organization_members as m")
      .innerJoin("organizations as o", "o.id", "m.organization_id")
      .select(["m.roles", "o.default_org_member_roles as default_roles"])
      .where("m.user_id", "=", userId)
      .where("m.organization_id", "=", organizationId)
      .executeTakeFirst(),
  ]);
  const organizationRoles =
    member === undefined ? [] : ["organization-member", ...member.default_roles, ...member.roles];
  return {
    id: user.id,
    name: user.username,
    full_name: user.name,
    email: user.email,
    ssh_public_key: user.public_key ?? "",
    // The group that everybody is in; there are no others in this release.
    groups: ["Everyone"],
    login_type: user.login_type,
    rbac_roles: [
      ...["member", ...user.roles].map((name) => ({ name, org_id: "" })),
      ...[...new Set(organizationRoles)].map((name) => ({ name, org_id: organizationId })),
    ],
  };
}
