import type { roles as api } from "@slipway/api";
import type { Permissions, Role } from "./roles.ts";
import { organizationRole, siteRole } from "./roles.ts";

/** Roles of the deployment as lists of people show them. */
export function toSlimSiteRoles(names: readonly string[]): api.SlimRole[] {
  return names.map((name) => ({ name, display_name: siteRole(name)?.displayName ?? name }));
}

/** Roles in an organization as lists of members show them. */
export function toSlimOrganizationRoles(names: readonly string[], organizationId: string): api.SlimRole[] {
  return names.map((name) => ({
    name,
    display_name: organizationRole(name)?.displayName ?? name,
    organization_id: organizationId,
  }));
}

/** A built-in role with its permissions spelled out. */
export function toAssignableRole(
  name: string,
  role: Role,
  options: { assignable: boolean; organizationId?: string },
): api.AssignableRole {
  return {
    name,
    display_name: role.displayName,
    ...(options.organizationId === undefined ? {} : { organization_id: options.organizationId }),
    site_permissions: toPermissions(role.site),
    user_permissions: toPermissions(role.own),
    organization_permissions: [...toPermissions(role.organization), ...toPermissions(role.denied, true)],
    organization_member_permissions: toPermissions(role.member),
    assignable: options.assignable,
    built_in: true,
  };
}

function toPermissions(permissions: Permissions = {}, negate = false): api.Permission[] {
  return Object.entries(permissions).flatMap(([type, actions]) =>
    actions.map((action) => ({ negate, resource_type: type, action })),
  );
}
