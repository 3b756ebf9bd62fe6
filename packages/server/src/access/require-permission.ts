import { ApiError } from "../http/api-error.ts";
import { type Action, authorize, type ResourceType, type Subject } from "./authorize.ts";

/**
 * For settings and other things whose existence is no secret: a refusal is always 403 (access.md 6.1).
 */
export function requirePermission(
  subject: Subject,
  action: Action,
  object: { type: ResourceType; organizationId?: string; ownerId?: string },
): void {
  if (authorize(subject, action, object)) return;
  throw new ApiError("forbidden", "You do not have permission for this.", {
    detail: `It needs the permission ${object.type}:${action}.`,
    refused: { action, object },
  });
}
