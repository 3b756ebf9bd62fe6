import { isDeepStrictEqual } from "node:util";
import { type Expression, type SqlBool, sql } from "kysely";
import type { Subject } from "./authorize.ts";
import { type Grant, grantFor } from "./grant.ts";
import type { Action } from "./resources.ts";

export type ListedType =
  | "workspace"
  | "template"
  | "user"
  | "organization"
  | "api_key"
  | "organization_member"
  | "provisioner_daemon"
  | "provisioner_jobs"
  | "file"
  | "audit_log";

type Columns = {
  table: string;
  id: string;
  owner?: string;
  organization?: string;
  everyoneMayUse?: string;
};

const columnsOf: Record<ListedType, Columns> = {
  workspace: { table: "workspaces", id: "id", owner: "owner_id", organization: "organization_id" },
  template: {
    table: "templates",
    id: "id",
    organization: "organization_id",
    everyoneMayUse: "everyone_may_use",
  },
  user: { table: "users", id: "id", owner: "id" },
  organization: { table: "organizations", id: "id", organization: "id" },
  api_key: { table: "api_keys", id: "id", owner: "user_id" },
  organization_member: {
    table: "organization_members",
    id: "user_id",
    owner: "user_id",
    organization: "organization_id",
  },
  provisioner_daemon: {
    table: "provisioner_daemons",
    id: "id",
    owner: "owner_id",
    organization: "organization_id",
  },
  provisioner_jobs: {
    table: "provisioner_jobs",
    id: "id",
    owner: "initiator_id",
    organization: "organization_id",
  },
  file: { table: "files", id: "id", owner: "created_by" },
  audit_log: { table: "audit_logs", id: "id", organization: "organization_id" },
};

/**
 * The same decision as a condition on rows, for lists: a row passes exactly if `authorize` says yes to it.
 *
 * @param alias The name under which the query knows the table, when it is not the table's own.
 * @example
 * db.selectFrom("workspaces").where(accessFilter(auth.subject, "read", "workspace"))
 */
export function accessFilter(
  subject: Subject,
  action: Action,
  type: ListedType,
  alias: string = columnsOf[type].table,
): Expression<SqlBool> {
  const columns = columnsOf[type];
  if (type !== "workspace") return condition(grantFor(subject, action, type), subject, columns, alias);
  const grant = grantFor(subject, action, "workspace");
  const dormantGrant = grantFor(subject, action, "workspace_dormant");
  const awake = condition(grant, subject, columns, alias);
  // Mostly they are the same. A plain condition lets Postgres go by owner; the case would hide it from the planner.
  if (isDeepStrictEqual(grant, dormantGrant)) return awake;
  const dormant = condition(dormantGrant, subject, columns, alias);
  const dormantAt = sql.ref(`${alias}.dormant_at`);
  return sql<boolean>`(case when ${dormantAt} is null then ${awake} else ${dormant} end)`;
}

function condition(
  grant: Grant | null,
  subject: Subject,
  columns: Columns,
  alias: string,
): Expression<SqlBool> {
  if (!grant) return sql<boolean>`false`;
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const isListed =
    grant.ids === "*" ? sql<boolean>`true` : sql<boolean>`${column(columns.id)}::text = any(${grant.ids})`;
  if (grant.everywhere) return isListed;
  const isOwn = columns.owner
    ? sql<boolean>`${column(columns.owner)} = ${subject.userId}`
    : sql<boolean>`false`;
  if (!columns.organization)
    return grant.ownOutside ? sql<boolean>`(${isListed} and ${isOwn})` : sql<boolean>`false`;
  const organization = column(columns.organization);
  const ways: Expression<SqlBool>[] = [];
  if (grant.organizations.length > 0) {
    ways.push(sql<boolean>`${organization} = any(${grant.organizations}::uuid[])`);
  }
  if (grant.ownIn.length > 0) {
    ways.push(sql<boolean>`(${isOwn} and ${organization} = any(${grant.ownIn}::uuid[]))`);
  }
  if (columns.everyoneMayUse && grant.everyoneIn.length > 0) {
    const everyone = column(columns.everyoneMayUse);
    ways.push(sql<boolean>`(${everyone} and ${organization} = any(${grant.everyoneIn}::uuid[]))`);
  }
  if (ways.length === 0) return sql<boolean>`false`;
  return sql<boolean>`(${isListed} and (${sql.join(ways, sql` or `)}))`;
}
