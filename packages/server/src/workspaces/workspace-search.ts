import type { agents } from "@slipway/api";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { SearchReader } from "../http/search-query.ts";
import { agentStatusIn } from "./agent-status-sql.ts";
import { workspaceStatusIn } from "./workspace-status.ts";

/** The keys of `GET /workspaces?q=` (rest-api.md 3). */
export const workspaceSearchKeys = [
  "id",
  "owner",
  "name",
  "template",
  "status",
  "has-agent",
  "healthy",
  "dormant",
  "outdated",
  "last_used_after",
  "last_used_before",
  "organization",
  "shared",
  "shared_with_user",
  "shared_with_group",
  "has_external_agent",
  "has-ai-task",
  "param",
  "include_agent_metadata",
] as const;

const statuses = [
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "failed",
  "canceling",
  "canceled",
  "deleting",
  "deleted",
] as const;
const agentStatuses = ["connecting", "connected", "disconnected", "timeout"] as const;

export type WorkspaceConditions = Readonly<{
  /** Over `w` (workspaces), `t` (its template), `o` (its owner) and, when `needsLatestBuild`, `latest`. */
  where: RawBuilder<SqlBool>[];
  needsLatestBuild: boolean;
  /** Keys of agents' metadata to send along. */
  agentMetadataKeys: string[];
}>;

/** Turns a search into SQL conditions. What could not be understood is refused by `search.done()`. */
export function workspaceConditions(
  search: SearchReader,
  context: { userId: string; now: Date },
): WorkspaceConditions {
  const where: RawBuilder<SqlBool>[] = [];
  let needsLatestBuild = false;
  const add = (condition: RawBuilder<SqlBool>) => void where.push(condition);
  const addLatest = (condition: RawBuilder<SqlBool>) => {
    needsLatestBuild = true;
    where.push(condition);
  };

  const { owner, name } = readFreeText(search);
  if (owner === "me") add(sql`w.owner_id = ${context.userId}`);
  else if (owner !== undefined) add(sql`lower(o.username) = ${owner}`);
  if (name !== undefined) add(sql`lower(w.name) like ${`%${escapeLike(name)}%`}`);

  const ids = search.uuids("id");
  if (ids.length > 0) add(sql`w.id = any(${ids}::uuid[])`);
  const template = search.text("template");
  if (template !== undefined) add(sql`lower(t.name) = ${template}`);
  const organization = search.text("organization");
  if (organization !== undefined) {
    add(sql`w.organization_id in (${organizationsNamed(organization)})`);
  }
  const lastUsedAfter = search.time("last_used_after");
  if (lastUsedAfter) add(sql`w.last_used_at >= ${lastUsedAfter}`);
  const lastUsedBefore = search.time("last_used_before");
  if (lastUsedBefore) add(sql`w.last_used_at <= ${lastUsedBefore}`);
  if (search.bool("dormant") === true) add(sql`w.dormant_at is not null`);

  const status = search.choices("status", statuses);
  if (status.length > 0) {
    addLatest(workspaceStatusIn(status, sql.ref("latest.transition"), sql.ref("latest.job_status")));
  }
  const outdated = search.bool("outdated");
  if (outdated !== undefined) {
    addLatest(sql`(t.active_version_id <> latest.template_version_id) = ${outdated}`);
  }
  const external = search.bool("has_external_agent");
  if (external !== undefined) addLatest(sql`latest.has_external_agent = ${external}`);
  addAgentConditions(search, context.now, add);
  addParameterConditions(search, add);
  addSharingConditions(search, add);
  // Tasks are not part of this product: no workspace has one.
  if (search.bool("has-ai-task") === true) add(sql`false`);

  return { where, needsLatestBuild, agentMetadataKeys: search.list("include_agent_metadata") };
}

function readFreeText(search: SearchReader): { owner: string | undefined; name: string | undefined } {
  const owner = search.text("owner");
  const name = search.text("name");
  if (search.freeText === "") return { owner, name };
  const parts = search.freeText.split("/");
  if (parts.length > 2) search.refuse("q", `has "${search.freeText}": write a name, or owner/name.`);
  return parts.length === 1
    ? { owner, name: name ?? parts[0] }
    : { owner: owner ?? parts[0], name: name ?? parts[1] };
}

function addAgentConditions(
  search: SearchReader,
  now: Date,
  add: (condition: RawBuilder<SqlBool>) => void,
): void {
  const wanted: agents.AgentStatus[] = [...search.choices("has-agent", agentStatuses)];
  const healthy = search.bool("healthy");
  if (healthy !== undefined) {
    if (wanted.length > 0)
      search.refuse("healthy", "cannot be combined with has-agent, which it stands for.");
    wanted.push(...(healthy ? (["connected"] as const) : (["disconnected", "timeout"] as const)));
  }
  if (wanted.length === 0) return;
  add(sql`exists (select 1 from workspace_agents a
    where a.build_id = w.latest_build_id and not a.deleted and ${agentStatusIn(wanted, "a", now)})`);
}

function addParameterConditions(search: SearchReader, add: (condition: RawBuilder<SqlBool>) => void): void {
  const wanted = search.list("param").map((term) => {
    const at = term.indexOf("=");
    return at < 0
      ? sql<SqlBool>`lower(p.name) = ${term}`
      : sql<SqlBool>`(lower(p.name) = ${term.slice(0, at)} and lower(p.value) = ${term.slice(at + 1)})`;
  });
  if (wanted.length === 0) return;
  add(sql`exists (select 1 from workspace_build_parameters p
    where p.build_id = w.latest_build_id and (${sql.join(wanted, sql` or `)}))`);
}

/** Nothing can be shared yet, so what is asked for is an empty set, or its complement. */
function addSharingConditions(search: SearchReader, add: (condition: RawBuilder<SqlBool>) => void): void {
  const user = search.text("shared_with_user");
  if (user === "me")
    search.refuse("shared_with_user", "must be a user's id or name; me is not supported here.");
  const group = search.text("shared_with_group");
  if (search.bool("shared") === true || user !== undefined || group !== undefined) add(sql`false`);
}

/** The ids of the organizations that a search may mean, by the ways in which paths name one. */
export function organizationsNamed(term: string) {
  return sql`select id from organizations where not deleted
    and (id::text = ${term} or lower(name) = ${term} or (is_default and ${term} = 'default'))`;
}

/** Escapes what `like` would take for a wildcard. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, (char) => `\\${char}`);
}
