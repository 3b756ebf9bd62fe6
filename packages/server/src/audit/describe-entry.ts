import type { AuditLogRow } from "../db/schema.ts";

const pastTense: Record<string, string> = {
  create: "created",
  write: "updated",
  delete: "deleted",
  start: "started",
  stop: "stopped",
  login: "logged in",
  logout: "logged out",
  register: "registered",
  request_password_reset: "password reset requested",
  connect: "connected",
  disconnect: "disconnected",
  open: "opened",
  close: "closed",
};

/**
 * The sentence that people read, with placeholders that clients fill in.
 *
 * @example
 * describeEntry({ action: "write", resource_type: "template", status_code: 200 })
 * // "{user} updated template {target}"
 */
export function describeEntry(entry: Pick<AuditLogRow, "action" | "resource_type" | "status_code">): string {
  const { action, resource_type: type } = entry;
  const verb =
    entry.status_code >= 400 ? `unsuccessfully attempted to ${action}` : (pastTense[action] ?? action);
  // Anybody who knows an address can ask for it: it is no deed of the user.
  if (action === "request_password_reset") return `${verb} for {target}`;
  // A session has no name.
  if (action === "login" || action === "logout" || action === "register") return `{user} ${verb}`;
  const kind = type.replaceAll("_", " ");
  return type === "git_ssh_key" ? `{user} ${verb} the ${kind}` : `{user} ${verb} ${kind} {target}`;
}
