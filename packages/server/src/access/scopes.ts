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

/** Whether the scope means something inside, although nobody may ask for it. */
export function isInternalScope(scope: string): boolean {
  if (scope === "no_user_data") return true;
  const [type = "", action = ""] = scope.split(":");
  const known = resourceTypes.find((each) => each === type);
  return known !== undefined && (action === "*" || isAction(known, action));
}

/**
 * Whether a key with the scopes `held` may make one with the scope `wanted`: a key must not make a
 * stronger one. A wildcard is covered only by a wildcard.
 */
export function scopesCover(held: readonly string[], wanted: string): boolean {
  if (held.includes("coder:all") || held.includes(wanted)) return true;
  const pairs = new Set(held.flatMap((scope) => composites[scope] ?? [scope]));
  return (composites[wanted] ?? [wanted]).every(
    (pair) => pairs.has(pair) || pairs.has(`${pair.split(":", 1)[0]}:*`),
  );
}

/** The same for entries of allow-lists. */
export function allowListCovers(held: readonly string[], wanted: string): boolean {
  const [type, id] = wanted.split(":");
  return held.some((entry) => {
    const [heldType, heldId] = entry.split(":");
    return (heldType === "*" || heldType === type) && (heldId === "*" || heldId === id);
  });
}
