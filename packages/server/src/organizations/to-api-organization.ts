import type { organizations } from "@slipway/api";
import type { OrganizationRow } from "../db/schema.ts";

export function toApiOrganization(row: OrganizationRow): organizations.Organization {
  return {
    id: row.id,
    name: row.name,
    display_name: row.display_name,
    icon: row.icon,
    description: row.description,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    is_default: row.is_default,
    default_org_member_roles: row.default_org_member_roles,
  };
}
