import { audit, builds } from "@slipway/api";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { SearchReader } from "../http/search-query.ts";
import { organizationsNamed } from "../workspaces/workspace-search.ts";

/** The keys of `GET /audit?q=` (rest-api.md 3). */
export const auditSearchKeys = [
  "request_id",
  "resource_id",
  "resource_target",
  "resource_type",
  "action",
  "username",
  "email",
  "date_from",
  "date_to",
  "build_reason",
  "organization",
] as const;

/** Turns a search into SQL conditions over `a` (audit_logs) and `u` (who did it). */
export function auditConditions(search: SearchReader, context: { userId: string }): RawBuilder<SqlBool>[] {
  const where: RawBuilder<SqlBool>[] = [];
  const add = (condition: RawBuilder<SqlBool>) => void where.push(condition);

  const requestId = search.uuid("request_id");
  if (requestId !== undefined) add(sql`a.request_id = ${requestId}`);
  const resourceId = search.uuid("resource_id");
  if (resourceId !== undefined) add(sql`a.resource_id = ${resourceId}`);
  const target = search.text("resource_target");
  if (target !== undefined) add(sql`lower(a.resource_target) = ${target}`);
  const types = search.choices("resource_type", audit.auditResourceTypes);
  if (search.freeText !== "") {
    const type = audit.auditResourceTypes.find((known) => known === search.freeText);
    if (type) types.push(type);
    else search.refuse("q", `has "${search.freeText}": free text is a resource_type, such as workspace.`);
  }
  if (types.length > 0) add(sql`a.resource_type = any(${types})`);
  const actions = search.choices("action", audit.auditActions);
  if (actions.length > 0) add(sql`a.action = any(${actions})`);
  const username = search.text("username");
  if (username === "me") add(sql`a.user_id = ${context.userId}`);
  else if (username !== undefined) add(sql`lower(u.username) = ${username}`);
  const email = search.text("email");
  if (email !== undefined) add(sql`lower(u.email) = ${email}`);
  const from = readDay(search, "date_from");
  if (from) add(sql`a.time >= ${from}`);
  const to = readDay(search, "date_to");
  // The day that is named belongs to what is asked for.
  if (to) add(sql`a.time < ${new Date(to.getTime() + dayMs)}`);
  const reasons = search.choices("build_reason", builds.BuildReason.options);
  if (reasons.length > 0) {
    add(
      sql`(a.resource_type = 'workspace_build' and a.additional_fields ->> 'build_reason' = any(${reasons}))`,
    );
  }
  const organization = search.text("organization");
  if (organization !== undefined) add(sql`a.organization_id in (${organizationsNamed(organization)})`);
  return where;
}

const dayMs = 24 * 3_600_000;

/** The beginning of a day in UTC. */
function readDay(search: SearchReader, key: string): Date | undefined {
  const text = search.text(key);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time);
  search.refuse(key, `must be a day such as 2026-01-31, got "${text}".`);
  return undefined;
}
