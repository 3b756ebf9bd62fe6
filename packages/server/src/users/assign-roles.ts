import { mayAssignOrganizationRole, mayAssignSiteRole } from "../access/assignable-roles.ts";
import type { AccessObject, Subject } from "../access/authorize.ts";
import { givenOrganizationRoles, givenSiteRoles } from "../access/roles.ts";
import { ApiError, invalidField } from "../http/api-error.ts";

/** Holds a change of site roles against what the caller may give and take. */
export function requireAssignableSiteRoles(
  subject: Subject,
  before: readonly string[],
  after: readonly string[],
): void {
  const known: readonly string[] = [...givenSiteRoles, "member"];
  const unknown = after.filter((role) => !known.includes(role));
  if (unknown.length > 0) throw unknownRoles(unknown, known);
  requireAll(changed(before, after), { type: "assign_role" }, (role) => mayAssignSiteRole(subject, role));
}

/** The same for roles in one organization. */
export function requireAssignableOrganizationRoles(
  subject: Subject,
  organizationId: string,
  before: readonly string[],
  after: readonly string[],
): void {
  const known: readonly string[] = [...givenOrganizationRoles, "organization-member"];
  const unknown = after.filter((role) => !known.includes(role));
  if (unknown.length > 0) throw unknownRoles(unknown, known);
  const object = { type: "assign_org_role", organizationId } as const;
  requireAll(changed(before, after), object, (role) =>
    mayAssignOrganizationRole(subject, organizationId, role),
  );
}

function changed(before: readonly string[], after: readonly string[]): string[] {
  const added = after.filter((role) => !before.includes(role));
  return [...added, ...before.filter((role) => !after.includes(role))];
}

function requireAll(
  roles: readonly string[],
  object: AccessObject,
  mayAssign: (role: string) => boolean,
): void {
  const refused = roles.filter((role) => !mayAssign(role));
  if (refused.length === 0) return;
  throw new ApiError("forbidden", `You may not give or take the role ${refused.join(", ")}.`, {
    refused: { action: "assign", object },
  });
}

function unknownRoles(unknown: readonly string[], known: readonly string[]): ApiError {
  return invalidField("roles", `${unknown.join(", ")}: no such role. There are ${known.join(", ")}.`);
}
