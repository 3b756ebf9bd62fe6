import { type Action, isAction, type ResourceType, resourceTypes } from "./resources.ts";

/** What a composite scope stands for, as `type:action` (access.md 3.2). */
const composites: Record<string, readonly string[]> = {
  "coder:application_connect": ["workspace:application_connect"],
  "coder:workspaces.create": [
    "template:read",
    "template:use",
    "workspace:create",
    "workspace:read",
    "workspace:update",
    "workspace:start",
    "workspace:stop",
    "organization_member:read",
  ],
  "coder:workspaces.operate": [
    "template:read",
    "workspace:read",
    "workspace:update",
    "workspace:start",
    "workspace:stop",
    "organization_member:read",
  ],
  "coder:workspaces.delete": [
    "template:read",
    "template:use",
    "workspace:read",
    "workspace:delete",
    "organization_member:read",
  ],
  "coder:workspaces.access": [
    "template:read",
    "workspace:read",
    "workspace:ssh",
    "workspace:application_connect",
    "organization_member:read",
  ],
  "coder:templates.build": ["template:read", "file:create", "file:read", "provisioner_jobs:read"],
  "coder:templates.author": [
    "template:read",
    "template:create",
    "template:update",
    "template:delete",
    "template:view_insights",
    "file:create",
    "file:read",
  ],
  "coder:apikeys.manage_self": ["api_key:read", "api_key:create", "api_key:update", "api_key:delete"],
};

// A dormant or prebuilt workspace is a workspace to whoever names scopes.
const scopeTypes: Partial<Record<ResourceType, string>> = {
  workspace_dormant: "workspace",
  prebuilt_workspace: "workspace",
};

/** Whether a key with these scopes may do this at all. Several scopes add up. */
export function scopesAllow(scopes: readonly string[], action: Action, type: ResourceType): boolean {
  const name = scopeTypes[type] ?? type;
  return scopes.some((scope) => {
    if (scope === "coder:all") return true;
    // What a workspace's own token gets when its template asks for it.
    if (scope === "no_user_data") return type !== "user";
    const parts = composites[scope] ?? [scope];
    return parts.includes(`${name}:${action}`) || parts.includes(`${name}:*`);
  });
}

/**
 * The ids of one type that a key may touch: `"*"` for all. Entries are `type:id`, either may be `*`.
 */
export function allowedIds(allowList: readonly string[], type: ResourceType): "*" | string[] {
  const name = scopeTypes[type] ?? type;
  const ids = new Set<string>();
  for (const entry of allowList) {
    const [entryType, id = ""] = entry.split(":");
    if (entryType !== "*" && entryType !== name) continue;
    if (id === "*") return "*";
    ids.add(id);
  }
  return [...ids];
}

const aliases: Record<string, string> = {
  all: "coder:all",
  application_connect: "coder:application_connect",
};

/** The name under which a scope is stored. */
export function canonicalScope(scope: string): string {
  return aliases[scope] ?? scope;
}

// rest-api.md 2: other pairs exist, but nobody may ask for them.
const requestableTypes: Record<string, readonly string[]> = {
  workspace: ["read", "create", "update", "delete", "ssh", "start", "stop", "application_connect", "*"],
  template: ["read", "create", "update", "delete", "use", "*"],
  api_key: ["read", "create", "update", "delete", "*"],
  file: ["read", "create", "*"],
  user: ["read", "read_personal", "update_personal", "*"],
  user_secret: ["read", "create", "update", "delete", "*"],
  organization: ["read", "update", "delete", "*"],
};

/** Every scope that a caller may put on a token. */
export const requestableScopes: readonly string[] = [
  "coder:all",
  ...Object.keys(composites),
  ...Object.entries(requestableTypes).flatMap(([type, actions]) =>
    actions.map((action) => `${type}:${action}`),
  ),
];

/** Whether the scope means something inside, although nobody may ask for it. */
export function isInternalScope(scope: string): boolean {
  if (scope === "no_user_data") return true;
  const [type = "", action = ""] = scope.split(":");
  const known = resourceTypes.find((each) => each === type);
  return known !== undefined && (action === "*" || isAction(known, action));
}
