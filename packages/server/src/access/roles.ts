import { type Action, type ResourceType, resourceActions, resourceTypes } from "./resources.ts";

/** Actions by resource type. */
export type Permissions = Readonly<Partial<Record<ResourceType, readonly Action[]>>>;

/**
 * What a role allows, by the level at which it counts (access.md 6.1):
 * `site` everywhere, `own` on the holder's own objects outside organizations, and in the organization in
 * which the role is held: `organization` on all its objects, `member` on the holder's own there.
 * `denied` takes away what `organization` and `member` of other roles give.
 */
export type Role = Readonly<{
  displayName: string;
  site?: Permissions;
  own?: Permissions;
  organization?: Permissions;
  member?: Permissions;
  denied?: Permissions;
}>;

function all(type: ResourceType): readonly Action[] {
  return resourceActions[type];
}

function everything(...except: ResourceType[]): Permissions {
  const types = resourceTypes.filter((type) => !except.includes(type));
  return Object.fromEntries(types.map((type) => [type, all(type)]));
}

const read = ["read"] as const;
const crud = ["create", "read", "update", "delete"] as const;
const exec: readonly Action[] = ["ssh", "application_connect"];
const workspaceWithoutExec = resourceActions.workspace.filter((action) => !exec.includes(action));
const dormant = [
  "read",
  "delete",
  "create",
  "update",
  "stop",
  "create_agent",
  "update_agent",
  "delete_agent",
] as const;

/** The matrix of access.md 6.4, roles of the whole deployment. */
export const siteRoles = {
  owner: {
    displayName: "Owner",
    // Not even an owner reads other people's secrets.
    site: { ...everything("user_secret"), workspace_dormant: dormant },
  },
  "user-admin": {
    displayName: "User Admin",
    site: {
      user: all("user"),
      group: crud,
      group_member: read,
      organization: read,
      organization_member: crud,
      assign_role: all("assign_role"),
      assign_org_role: ["assign", "unassign", "read"],
      idpsync_settings: ["read", "update"],
    },
  },
  "template-admin": {
    displayName: "Template Admin",
    site: {
      template: all("template"),
      file: ["create", "read"],
      workspace: read,
      workspace_dormant: read,
      prebuilt_workspace: ["update", "delete"],
      user: read,
      group: read,
      group_member: read,
      organization: read,
      organization_member: read,
      provisioner_daemon: crud,
      provisioner_jobs: ["create", "read", "update"],
    },
  },
  auditor: {
    displayName: "Auditor",
    site: {
      user: read,
      template: ["read", "view_insights"],
      group: read,
      group_member: read,
      organization: read,
      organization_member: read,
      audit_log: read,
      connection_log: read,
      deployment_config: read,
      deployment_stats: read,
    },
  },
  // Everybody has this one; nobody is given it.
  member: {
    displayName: "Member",
    site: { assign_role: read, oauth2_app: read, workspace_proxy: read },
    own: {
      user: ["read", "read_personal", "update_personal"],
      api_key: crud,
      file: ["create", "read"],
      user_secret: crud,
    },
  },
} as const satisfies Record<string, Role>;

const organizationFloor: Permissions = {
  organization: read,
  assign_org_role: read,
  provisioner_daemon: read,
  organization_member: read,
  group: read,
};

/** Roles held in one organization. */
export const organizationRoles = {
  "organization-admin": {
    displayName: "Organization Admin",
    // Adding somebody to the organization starts with finding them.
    site: { user: read },
    organization: {
      workspace: workspaceWithoutExec,
      workspace_dormant: dormant,
      prebuilt_workspace: ["update", "delete"],
      template: all("template"),
      file: ["create", "read"],
      group: crud,
      group_member: read,
      organization: ["read", "update", "delete"],
      organization_member: crud,
      assign_org_role: all("assign_org_role"),
      audit_log: read,
      connection_log: read,
      provisioner_daemon: crud,
      provisioner_jobs: ["create", "read", "update"],
      idpsync_settings: ["read", "update"],
    },
  },
  "organization-user-admin": {
    displayName: "Organization User Admin",
    site: { user: read },
    organization: {
      group: crud,
      group_member: read,
      organization: read,
      organization_member: crud,
      assign_org_role: ["assign", "unassign", "read"],
      idpsync_settings: ["read", "update"],
    },
  },
  "organization-template-admin": {
    displayName: "Organization Template Admin",
    organization: {
      template: all("template"),
      file: ["create", "read"],
      workspace: read,
      workspace_dormant: read,
      prebuilt_workspace: ["update", "delete"],
      group: read,
      group_member: read,
      organization: read,
      organization_member: read,
      provisioner_daemon: crud,
      provisioner_jobs: ["create", "read", "update"],
    },
  },
  "organization-auditor": {
    displayName: "Organization Auditor",
    organization: {
      template: ["read", "view_insights"],
      group: read,
      group_member: read,
      organization: read,
      organization_member: read,
      audit_log: read,
      connection_log: read,
    },
  },
  "organization-workspace-access": {
    displayName: "Organization Workspace Access",
    member: {
      workspace: all("workspace"),
      workspace_dormant: dormant,
      file: ["create", "read"],
      provisioner_daemon: ["create", "read"],
    },
  },
  "organization-workspace-creation-ban": {
    displayName: "Organization Workspace Creation Ban",
    denied: {
      workspace: ["create", "delete", "create_agent", "delete_agent"],
      workspace_dormant: ["create", "delete", "create_agent", "delete_agent"],
    },
  },
  "agents-access": { displayName: "Agents Access" },
  // The floor that every person in the organization stands on; nobody is given it.
  "organization-member": { displayName: "Organization Member", organization: organizationFloor },
  // The same for service accounts.
  "organization-service-account": {
    displayName: "Organization Service Account",
    organization: organizationFloor,
  },
} as const satisfies Record<string, Role>;

export type SiteRoleName = keyof typeof siteRoles;
export type OrganizationRoleName = keyof typeof organizationRoles;

/** Roles that are given and taken. The others come with being somebody. */
export const givenSiteRoles = ["owner", "user-admin", "template-admin", "auditor"] as const;
export const givenOrganizationRoles = [
  "organization-admin",
  "organization-user-admin",
  "organization-template-admin",
  "organization-auditor",
  "organization-workspace-access",
  "organization-workspace-creation-ban",
  "agents-access",
] as const;

export function siteRole(name: string): Role | undefined {
  return Object.hasOwn(siteRoles, name) ? siteRoles[name as SiteRoleName] : undefined;
}

export function organizationRole(name: string): Role | undefined {
  return Object.hasOwn(organizationRoles, name) ? organizationRoles[name as OrganizationRoleName] : undefined;
}
