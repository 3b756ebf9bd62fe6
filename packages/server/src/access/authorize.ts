import { ApiError, notFound } from "../http/api-error.ts";
import { grantFor } from "./grant.ts";
import type { Action, ResourceType } from "./resources.ts";

/** Who acts, with all that decides what they may do: loaded once for each request. */
export type Subject = Readonly<{
  userId: string;
  /** Including the implied `member`. */
  siteRoles: readonly string[];
  /** Roles by organization id, including implied and default ones. */
  organizations: ReadonlyMap<string, readonly string[]>;
  scopes: readonly string[];
  allowList: readonly string[];
  /** With `--disable-owner-workspace-access` an Owner enters only workspaces of their own. */
  ownerMayEnterWorkspaces?: boolean;
}>;

/** What is acted upon. For a list or a creation some facts may be unknown: they then allow nothing. */
export type AccessObject = Readonly<{
  type: ResourceType;
  id?: string | undefined;
  ownerId?: string | undefined;
  organizationId?: string | undefined;
  /** Templates: every member of the organization may see and use it. */
  everyoneMayUse?: boolean | undefined;
}>;

export type { Action, ResourceType };

/**
 * The one decision about access (access.md 6.1): a role must allow it, or the object's own list; the
 * key's scopes must cover it; and the key's allow-list must name the object.
 *
 * @example
 * authorize(auth.subject, "start", workspaceObject(workspace));
 */
export function authorize(subject: Subject, action: Action, object: AccessObject): boolean {
  const grant = grantFor(subject, action, object.type);
  if (!grant) return false;
  const { ids } = grant;
  // A key for certain objects creates none: the new one would not be on its list.
  if (ids !== "*" && (object.id === undefined || !ids.includes(object.id))) return false;
  if (grant.everywhere) return true;
  const organizationId = object.organizationId;
  const isOwn = object.ownerId === subject.userId;
  if (organizationId === undefined) return grant.ownOutside && isOwn;
  if (grant.organizations.includes(organizationId)) return true;
  if (isOwn && grant.ownIn.includes(organizationId)) return true;
  return object.everyoneMayUse === true && grant.everyoneIn.includes(organizationId);
}

/**
 * Refuses with 404 what the caller may not even see, and with 403 what they may see but not do.
 * A creation has no object yet: it answers 404 when its organization is out of sight.
 */
export function requireAccess(subject: Subject, action: Action, object: AccessObject): void {
  if (authorize(subject, action, object)) return;
  const { organizationId: id } = object;
  const seen: AccessObject =
    action === "create" && id !== undefined ? { type: "organization", id, organizationId: id } : object;
  const isVisible = action === "create" && id === undefined ? true : authorize(subject, "read", seen);
  if (action === "read" || !isVisible) throw notFound();
  throw new ApiError("forbidden", `You may not ${verb(action)} this ${noun(object.type)}.`, {
    detail: `It needs the permission ${object.type}:${action}.`,
    refused: { action, object },
  });
}

function verb(action: Action): string {
  const verbs: Partial<Record<Action, string>> = {
    ssh: "connect to",
    application_connect: "open applications of",
    read_personal: "read personal data of",
    update_personal: "change personal data of",
    view_insights: "view insights of",
    assign: "assign",
  };
  return verbs[action] ?? action.replaceAll("_", " ");
}

function noun(type: ResourceType): string {
  return type === "workspace_dormant" || type === "prebuilt_workspace"
    ? "workspace"
    : type.replaceAll("_", " ");
}

/** A workspace as an object of decisions. Dormant ones have a type of their own. */
export function workspaceObject(row: {
  id: string;
  owner_id: string;
  organization_id: string;
  dormant_at: Date | null;
}): AccessObject {
  const type = row.dormant_at ? "workspace_dormant" : "workspace";
  return { type, id: row.id, ownerId: row.owner_id, organizationId: row.organization_id };
}

export function templateObject(row: {
  id: string;
  organization_id: string;
  everyone_may_use: boolean;
}): AccessObject {
  const { id, organization_id: organizationId, everyone_may_use: everyoneMayUse } = row;
  return { type: "template", id, organizationId, everyoneMayUse };
}

/** A user is their own owner, and belongs to no organization. */
export function userObject(row: { id: string }): AccessObject {
  return { type: "user", id: row.id, ownerId: row.id };
}

export function organizationObject(row: { id: string }): AccessObject {
  return { type: "organization", id: row.id, organizationId: row.id };
}
