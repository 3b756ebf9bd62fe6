import { authorize, type Subject } from "./authorize.ts";
import { givenOrganizationRoles, givenSiteRoles } from "./roles.ts";

// What those may give who are no admins themselves (access.md 6.4): nobody makes a stronger one of another.
const plainOrganizationRoles: readonly string[] = ["organization-member", "organization-workspace-access"];

/** Whether the subject may give and take this role of the deployment. */
export function mayAssignSiteRole(subject: Subject, role: string): boolean {
  if (role === "member") return authorize(subject, "assign", { type: "assign_role" });
  if (!givenSiteRoles.some((given) => given === role)) return false;
  return subject.siteRoles.includes("owner") && authorize(subject, "assign", { type: "assign_role" });
}

/** Whether the subject may give and take this role in the organization. */
export function mayAssignOrganizationRole(subject: Subject, organizationId: string, role: string): boolean {
  if (!authorize(subject, "assign", { type: "assign_org_role", organizationId })) return false;
  if (plainOrganizationRoles.includes(role)) return true;
  if (!givenOrganizationRoles.some((given) => given === role)) return false;
  const here = subject.organizations.get(organizationId) ?? [];
  return subject.siteRoles.includes("owner") || here.includes("organization-admin");
}

/** Whether the subject may make decisions about an account with these roles: about none above their own. */
export function mayAssignAll(
  subject: Subject,
  roles: { site: readonly string[]; organizations: ReadonlyMap<string, readonly string[]> },
): boolean {
  if (!roles.site.every((role) => mayAssignSiteRole(subject, role))) return false;
  return Array.from(roles.organizations).every(([organizationId, names]) =>
    names.every((role) => mayAssignOrganizationRole(subject, organizationId, role)),
  );
}
