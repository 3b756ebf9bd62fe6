/** Resource types and what can be done to each (access.md 6.3). Roles, scopes and checks use these words. */
export const resourceActions = {
  workspace: [
    "create",
    "read",
    "update",
    "delete",
    "start",
    "stop",
    "ssh",
    "application_connect",
    "create_agent",
    "delete_agent",
    "update_agent",
    "share",
  ],
  // A workspace with `dormant_at`: the same object under stricter rules.
  workspace_dormant: [
    "create",
    "read",
    "update",
    "delete",
    "start",
    "stop",
    "ssh",
    "application_connect",
    "create_agent",
    "delete_agent",
    "update_agent",
    "share",
  ],
  prebuilt_workspace: ["update", "delete"],
  template: ["create", "use", "read", "update", "delete", "view_insights"],
  user: ["create", "read", "update", "delete", "read_personal", "update_personal"],
  api_key: ["create", "read", "update", "delete"],
  organization: ["create", "read", "update", "delete"],
  organization_member: ["create", "read", "update", "delete"],
  group: ["create", "read", "update", "delete"],
  group_member: ["read"],
  provisioner_daemon: ["create", "read", "update", "delete"],
  provisioner_jobs: ["create", "read", "update"],
  file: ["create", "read"],
  assign_role: ["assign", "unassign", "read"],
  assign_org_role: ["assign", "unassign", "create", "read", "update", "delete"],
  audit_log: ["create", "read"],
  connection_log: ["read", "update"],
  deployment_config: ["read", "update"],
  deployment_stats: ["read"],
  debug_info: ["read"],
  replicas: ["read"],
  idpsync_settings: ["read", "update"],
  workspace_proxy: ["create", "read", "update", "delete"],
  oauth2_app: ["create", "read", "update", "delete"],
  user_secret: ["create", "read", "update", "delete"],
} as const satisfies Record<string, readonly string[]>;

export type ResourceType = keyof typeof resourceActions;
export type Action = (typeof resourceActions)[ResourceType][number];

// Object.keys forgets the key type; the object above is the whole list.
export const resourceTypes = Object.keys(resourceActions) as ResourceType[];

/** Whether the pair exists at all: `template:ssh` does not. */
export function isAction(type: ResourceType, action: string): action is Action {
  return (resourceActions[type] as readonly string[]).includes(action);
}
