const NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/;
const VERSION_NAME = /^[a-zA-Z0-9]+(?:[_.-][a-zA-Z0-9]+)*$/;

/** Users, workspaces, templates, organizations, roles (access.md §2.3). */
export function isValidName(name: string): boolean {
  return name.length <= 32 && NAME.test(name) && name !== "new" && name !== "create";
}

/** Group names may hold a UUID (access.md §2.3). */
export function isValidGroupName(name: string): boolean {
  return name.length <= 36 && NAME.test(name) && name !== "new" && name !== "create";
}

/** Template versions (access.md §2.3). */
export function isValidTemplateVersionName(name: string): boolean {
  return name.length <= 64 && VERSION_NAME.test(name);
}

/** Display names: may be empty, at most 64 characters, no space at the edges (access.md §2.3). */
export function isValidDisplayName(name: string): boolean {
  return [...name].length <= 64 && name === name.trim();
}
