import { z } from "zod";
import { Uuid } from "./common.ts";
import { named } from "./components.ts";

export const SlimRole = named(
  "SlimRole",
  z.object({ name: z.string(), display_name: z.string(), organization_id: Uuid.optional() }),
);
export type SlimRole = z.infer<typeof SlimRole>;

export const Permission = named(
  "Permission",
  z.object({ negate: z.boolean(), resource_type: z.string(), action: z.string() }),
);
export type Permission = z.infer<typeof Permission>;

export const Role = named(
  "Role",
  z.object({
    name: z.string(),
    display_name: z.string(),
    organization_id: Uuid.optional(),
    site_permissions: z.array(Permission),
    user_permissions: z.array(Permission),
    organization_permissions: z.array(Permission),
    organization_member_permissions: z.array(Permission),
  }),
);
export type Role = z.infer<typeof Role>;

export const AssignableRole = named(
  "AssignableRole",
  Role.extend({ assignable: z.boolean(), built_in: z.boolean() }),
);
export type AssignableRole = z.infer<typeof AssignableRole>;

/** Roles of the whole deployment. `member` is implicit. */
export const siteRoleNames = ["owner", "user-admin", "template-admin", "auditor", "member"] as const;
export type SiteRoleName = (typeof siteRoleNames)[number];

/** Roles within one organization. `organization-member` is implicit. */
export const organizationRoleNames = [
  "organization-admin",
  "organization-user-admin",
  "organization-template-admin",
  "organization-auditor",
  "organization-member",
  "organization-workspace-access",
  "organization-workspace-creation-ban",
  "agents-access",
] as const;
export type OrganizationRoleName = (typeof organizationRoleNames)[number];
