import type { audit as api } from "@slipway/api";
import type { Action, ResourceType } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { Deps } from "../deps.ts";
import { ApiError, type RefusedAttempt } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";

type RefusedRequest = {
  auth: Auth | undefined;
  ip: string;
  userAgent: string;
  requestId: string;
  params: unknown;
  body: unknown;
};

/** Resources that the audit log knows; what is refused about others is in no log. */
const resourceTypes: Partial<Record<ResourceType, api.AuditResourceType>> = {
  workspace: "workspace",
  workspace_dormant: "workspace",
  prebuilt_workspace: "workspace",
  template: "template",
  user: "user",
  assign_role: "user",
  api_key: "api_key",
  organization: "organization",
  organization_member: "organization_member",
  assign_org_role: "organization_member",
  group: "group",
  provisioner_daemon: "provisioner_key",
};

const reading: ReadonlySet<Action> = new Set(["read", "read_personal", "view_insights", "use"]);
/** Told by the log of connections. */
const connecting: ReadonlySet<Action> = new Set(["ssh", "application_connect"]);

/**
 * Writes down what somebody tried to change without the right to (access.md 9.1: failed requests are recorded with
 * their status). Never rejects: the answer is the refusal in any case.
 */
export async function recordRefusal(
  deps: Pick<Deps, "db" | "audit" | "log">,
  req: RefusedRequest,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ApiError) || !error.refused || !req.auth) return;
  const { action, object } = error.refused;
  const resourceType = resourceTypes[object.type];
  if (!resourceType || reading.has(action) || connecting.has(action)) return;
  try {
    await deps.audit.record(deps.db, {
      action: auditAction(action),
      resourceType,
      resourceId: object.id ?? "",
      resourceTarget: (await nameOf(deps.db, object)) ?? namedBy(req),
      organizationId: object.organizationId,
      statusCode: error.status,
      userId: req.auth.user.id,
      request: req,
      additionalFields: { permission: `${object.type}:${action}`, message: error.message },
    });
  } catch (err) {
    deps.log.warn({ err, requestId: req.requestId }, "a refusal could not be written to the audit log");
  }
}

function auditAction(action: Action): api.AuditAction {
  return action === "create" || action === "delete" || action === "start" || action === "stop"
    ? action
    : "write";
}

async function nameOf(db: Db, { type, id }: RefusedAttempt["object"]): Promise<string | undefined> {
  if (id === undefined) return undefined;
  switch (resourceTypes[type]) {
    case "workspace":
      return (await db.selectFrom("workspaces").select("name").where("id", "=", id).executeTakeFirst())?.name;
    case "template":
      return (await db.selectFrom("templates").select("name").where("id", "=", id).executeTakeFirst())?.name;
    case "organization":
      return (await db.selectFrom("organizations").select("name").where("id", "=", id).executeTakeFirst())
        ?.name;
    case "user":
      return (await db.selectFrom("users").select("username").where("id", "=", id).executeTakeFirst())
        ?.username;
    default:
      return undefined;
  }
}

/** What does not exist yet is called what the request calls it; of the rest, what its path names last. */
function namedBy({ body, params }: RefusedRequest): string {
  const fields = Object.values({ ...pick(params), ...pick(body, ["name", "username", "token_name"]) });
  return String(fields.at(-1) ?? "").slice(0, 64);
}

function pick(value: unknown, names?: readonly string[]): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
  );
  return Object.fromEntries(names ? texts.filter(([name]) => names.includes(name)) : texts);
}
