import type { builds } from "@slipway/api";
import { toApiAgents } from "../agents/to-api-agent.ts";
import type { Db } from "../db/db.ts";
import type { WorkspaceResourceMetadataRow, WorkspaceResourceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

/** The resources of some jobs with their agents, by job. Hidden agents of earlier builds are left out. */
export async function toApiResources(
  db: Db,
  deps: Deps,
  jobIds: readonly string[],
): Promise<Map<string, builds.WorkspaceResource[]>> {
  const byJob = new Map<string, builds.WorkspaceResource[]>(jobIds.map((id) => [id, []]));
  if (jobIds.length === 0) return byJob;
  const resources = await db
    .selectFrom("workspace_resources")
    .selectAll()
    .where("job_id", "in", jobIds)
    .orderBy("position")
    .orderBy("id")
    .execute();
  if (resources.length === 0) return byJob;
  const ids = resources.map((resource) => resource.id);
  const [metadata, agents] = await Promise.all([
    db
      .selectFrom("workspace_resource_metadata")
      .selectAll()
      .where("resource_id", "in", ids)
      .orderBy("position")
      .execute(),
    db
      .selectFrom("workspace_agents")
      .selectAll()
      .where("resource_id", "in", ids)
      .where("deleted", "=", false)
      .orderBy("display_order")
      .orderBy("name")
      .execute(),
  ]);
  const apiAgents = await toApiAgents(db, deps, agents);
  const metadataByResource = Map.groupBy(metadata, (item) => item.resource_id);
  const agentsByResource = Map.groupBy(agents, (agent) => agent.resource_id);
  for (const resource of resources) {
    const own = (agentsByResource.get(resource.id) ?? []).flatMap((agent) => apiAgents.get(agent.id) ?? []);
    byJob.get(resource.job_id)?.push(toApiResource(resource, metadataByResource.get(resource.id) ?? [], own));
  }
  return byJob;
}

function toApiResource(
  row: WorkspaceResourceRow,
  metadata: readonly WorkspaceResourceMetadataRow[],
  agents: NonNullable<builds.WorkspaceResource["agents"]>,
): builds.WorkspaceResource {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    job_id: row.job_id,
    // The column is written from the engine's transition, which has these three values only.
    workspace_transition: row.transition as builds.WorkspaceResource["workspace_transition"],
    type: row.type,
    name: row.name,
    hide: row.hide,
    icon: row.icon,
    ...(agents.length > 0 ? { agents } : {}),
    ...(metadata.length > 0
      ? { metadata: metadata.map(({ key, value, sensitive }) => ({ key, value, sensitive })) }
      : {}),
    daily_cost: row.daily_cost,
  };
}
