import type { general } from "@slipway/api";
import {
  type AccessObject,
  authorize,
  type Subject,
  templateObject,
  workspaceObject,
} from "../access/authorize.ts";
import { isAction, type ResourceType, resourceTypes } from "../access/resources.ts";
import type { Db } from "../db/db.ts";
import { invalidField } from "../http/api-error.ts";

type Checks = general.AuthorizationRequest["checks"];

/** Answers `/authcheck`: what the caller may do, by the same decision that routes take. */
export async function answerChecks(
  db: Db,
  subject: Subject,
  checks: Checks,
): Promise<Record<string, boolean>> {
  const answers: Record<string, boolean> = {};
  for (const [name, { object, action }] of Object.entries(checks)) {
    const type = resourceTypes.find((each) => each === object.resource_type);
    if (!type)
      throw invalidField(`checks.${name}.object.resource_type`, `${object.resource_type} is no type.`);
    if (!isAction(type, action)) {
      throw invalidField(`checks.${name}.action`, `${action} is nothing that can be done to a ${type}.`);
    }
    const target = await targetOf(db, subject, type, object);
    answers[name] = object.any_org
      ? anyOrganization(subject, target).some((each) => authorize(subject, action, each))
      : target !== null && authorize(subject, action, target);
  }
  return answers;
}

function anyOrganization(subject: Subject, target: AccessObject | null): AccessObject[] {
  if (!target) return [];
  return [
    target,
    ...Array.from(subject.organizations.keys(), (organizationId) => ({ ...target, organizationId })),
  ];
}

/** With an id the facts come from the row, not from the caller; `null` when there is none. */
async function targetOf(
  db: Db,
  subject: Subject,
  type: ResourceType,
  object: Checks[string]["object"],
): Promise<AccessObject | null> {
  const id = object.resource_id || undefined;
  if (id && isUuid(id)) {
    if (type === "workspace" || type === "workspace_dormant") {
      const row = await db.selectFrom("workspaces").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? workspaceObject(row) : null;
    }
    if (type === "template") {
      const row = await db.selectFrom("templates").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? templateObject(row) : null;
    }
  }
  const ownerId = object.owner_id === "me" ? subject.userId : object.owner_id || undefined;
  const owner = type === "user" ? (id ?? ownerId) : ownerId;
  return { type, id, ownerId: owner, organizationId: object.organization_id || undefined };
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
