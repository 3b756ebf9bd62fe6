import type { Subject } from "./authorize.ts";
import type { Action, ResourceType } from "./resources.ts";
import { organizationRole, type Permissions, type Role, siteRole } from "./roles.ts";
import { allowedIds, scopesAllow } from "./scopes.ts";

/**
 * What the subject's roles, scopes and allow-list come to for one action on one type, before any object
 * is looked at. `authorize` holds an object against it, `accessFilter` writes it down as SQL: both decide
 * the same because both read this.
 */
export type Grant = Readonly<{
  /** Which objects the key may touch at all. */
  ids: "*" | readonly string[];
  everywhere: boolean;
  /** The subject's own objects that belong to no organization. */
  ownOutside: boolean;
  /** Organizations in which it is allowed on everything. */
  organizations: readonly string[];
  /** Organizations in which it is allowed on the subject's own objects. */
  ownIn: readonly string[];
  /** Organizations whose objects for everyone are open to the subject. */
  everyoneIn: readonly string[];
}>;

// What a template for everyone gives to each member (access.md 6.6).
const everyoneActions: readonly Action[] = ["read", "use"];

/** `null` when no object can change the answer: the scopes do not cover the action. */
export function grantFor(subject: Subject, action: Action, type: ResourceType): Grant | null {
  if (!scopesAllow(subject.scopes, action, type)) return null;
  const has = (permissions: Permissions | undefined) => permissions?.[type]?.includes(action) ?? false;
  const site = subject.siteRoles.flatMap((name) => {
    const role = siteRole(name);
    return role && !isWithheld(subject, name, action, type) ? [role] : [];
  });
  const perOrganization = Array.from(subject.organizations, ([id, names]) => ({
    id,
    roles: names.flatMap((name) => organizationRole(name) ?? []),
  }));
  const open = perOrganization.filter(({ roles }) => !roles.some((role) => has(role.denied)));
  const where = (level: "organization" | "member") =>
    open.filter(({ roles }) => roles.some((role: Role) => has(role[level]))).map(({ id }) => id);
  return {
    ids: allowedIds(subject.allowList, type),
    everywhere: [...site, ...perOrganization.flatMap(({ roles }) => roles)].some((role) => has(role.site)),
    ownOutside: site.some((role) => has(role.own)),
    organizations: where("organization"),
    ownIn: where("member"),
    everyoneIn:
      type === "template" && everyoneActions.includes(action) ? [...subject.organizations.keys()] : [],
  };
}

/** `--disable-owner-workspace-access` takes the ways into other people's workspaces from Owners. */
function isWithheld(subject: Subject, roleName: string, action: Action, type: ResourceType): boolean {
  if (roleName !== "owner" || subject.ownerMayEnterWorkspaces !== false) return false;
  return type === "workspace" && (action === "ssh" || action === "application_connect");
}
