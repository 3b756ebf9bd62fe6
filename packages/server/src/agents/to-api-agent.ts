import { type agents, zeroTime } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type {
  WorkspaceAgentLogSourceRow,
  WorkspaceAgentMetadataRow,
  WorkspaceAgentRow,
  WorkspaceAgentScriptRow,
  WorkspaceAppRow,
} from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { agentProblem, agentStatus } from "./agent-status.ts";

type Parts = {
  apps: readonly WorkspaceAppRow[];
  scripts: readonly WorkspaceAgentScriptRow[];
  logSources: readonly WorkspaceAgentLogSourceRow[];
  metadata: readonly WorkspaceAgentMetadataRow[];
};

/** The agents as the API shows them, by id: four queries, however many agents. */
export async function toApiAgents(
  db: Db,
  deps: Pick<Deps, "clock">,
  rows: readonly WorkspaceAgentRow[],
): Promise<Map<string, agents.WorkspaceAgent>> {
  if (rows.length === 0) return new Map();
  const ids = rows.map((row) => row.id);
  const [apps, scripts, logSources, metadata] = await Promise.all([
    db
      .selectFrom("workspace_apps")
      .selectAll()
      .where("agent_id", "in", ids)
      .orderBy("display_order")
      .orderBy("slug")
      .execute(),
    db
      .selectFrom("workspace_agent_scripts")
      .selectAll()
      .where("agent_id", "in", ids)
      .orderBy("position")
      .execute(),
    db
      .selectFrom("workspace_agent_log_sources")
      .selectAll()
      .where("agent_id", "in", ids)
      .orderBy("created_at")
      .orderBy("id")
      .execute(),
    db
      .selectFrom("workspace_agent_metadata")
      .selectAll()
      .where("agent_id", "in", ids)
      .orderBy("display_order")
      .orderBy("key")
      .execute(),
  ]);
  const now = deps.clock.now();
  const appsOf = Map.groupBy(apps, (row) => row.agent_id);
  const scriptsOf = Map.groupBy(scripts, (row) => row.agent_id);
  const logSourcesOf = Map.groupBy(logSources, (row) => row.agent_id);
  const metadataOf = Map.groupBy(metadata, (row) => row.agent_id);
  return new Map(
    rows.map((row) => [
      row.id,
      toApiAgent(row, now, {
        apps: appsOf.get(row.id) ?? [],
        scripts: scriptsOf.get(row.id) ?? [],
        logSources: logSourcesOf.get(row.id) ?? [],
        metadata: metadataOf.get(row.id) ?? [],
      }),
    ]),
  );
}

function toApiAgent(row: WorkspaceAgentRow, now: Date, parts: Parts): agents.WorkspaceAgent {
  const status = agentStatus(row, now);
  const problem = agentProblem(status, row.lifecycle_state);
  return {
    id: row.id,
    parent_id: row.parent_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...time("first_connected_at", row.first_connected_at),
    ...time("last_connected_at", row.last_connected_at),
    ...time("disconnected_at", row.disconnected_at),
    ...time("started_at", row.started_at),
    ...time("ready_at", row.ready_at),
    status,
    lifecycle_state: row.lifecycle_state,
    name: row.name,
    resource_id: row.resource_id,
    ...(row.instance_id ? { instance_id: row.instance_id } : {}),
    architecture: row.architecture,
    environment_variables: row.environment_variables,
    operating_system: row.operating_system,
    logs_length: row.logs_length,
    logs_overflowed: row.logs_overflowed,
    ...(row.directory ? { directory: row.directory } : {}),
    ...(row.expanded_directory ? { expanded_directory: row.expanded_directory } : {}),
    version: row.version,
    api_version: row.api_version,
    apps: parts.apps.map(toApiApp),
    connection_timeout_seconds: row.connection_timeout_seconds,
    troubleshooting_url: row.troubleshooting_url,
    subsystems: row.subsystems,
    health: { healthy: problem === undefined, ...(problem ? { reason: problem } : {}) },
    // Written from the five names that the provider knows.
    display_apps: row.display_apps as agents.DisplayApp[],
    log_sources: parts.logSources.map(toApiLogSource),
    scripts: parts.scripts.map(toApiScript),
    metadata: parts.metadata.map((each) => toApiMetadata(each, now)),
    startup_script_behavior: row.startup_script_behavior === "blocking" ? "blocking" : "non-blocking",
  };
}

function time<K extends string>(name: K, value: Date | null): { [P in K]?: string } {
  // A computed key of type K makes exactly this shape; TypeScript widens it to an index signature.
  return value ? ({ [name]: value.toISOString() } as { [P in K]?: string }) : {};
}

export function toApiLogSource(row: WorkspaceAgentLogSourceRow): agents.WorkspaceAgentLogSource {
  return {
    workspace_agent_id: row.agent_id,
    id: row.id,
    created_at: row.created_at.toISOString(),
    display_name: row.display_name,
    icon: row.icon,
  };
}

function toApiScript(row: WorkspaceAgentScriptRow): agents.WorkspaceAgentScript {
  return {
    id: row.id,
    log_source_id: row.log_source_id,
    log_path: row.log_path,
    script: row.script,
    cron: row.cron,
    run_on_start: row.run_on_start,
    run_on_stop: row.run_on_stop,
    start_blocks_login: row.start_blocks_login,
    timeout: row.timeout_seconds * 1_000_000_000,
    display_name: row.display_name,
    ...(row.exit_code === null ? {} : { exit_code: row.exit_code }),
    // The column is written from the agent's report, which is checked against these names.
    ...(row.status === null ? {} : { status: row.status as agents.AgentScriptStatus }),
  };
}

function toApiApp(row: WorkspaceAppRow): agents.WorkspaceApp {
  return {
    id: row.id,
    ...(row.url ? { url: row.url } : {}),
    external: row.external,
    slug: row.slug,
    display_name: row.display_name || row.slug,
    ...(row.command ? { command: row.command } : {}),
    ...(row.icon ? { icon: row.icon } : {}),
    subdomain: row.subdomain,
    // Sharing levels, health and open_in are stored from closed lists, checked when a build completes.
    sharing_level: row.sharing_level as agents.WorkspaceApp["sharing_level"],
    ...(row.healthcheck_url
      ? {
          healthcheck: {
            url: row.healthcheck_url,
            interval: row.healthcheck_interval_seconds,
            threshold: row.healthcheck_threshold,
          },
        }
      : {}),
    health: row.health as agents.AppHealth,
    ...(row.display_group ? { group: row.display_group } : {}),
    hidden: row.hidden,
    open_in: row.open_in === "tab" ? "tab" : "slim-window",
    ...(row.tooltip ? { tooltip: row.tooltip } : {}),
    statuses: [],
  };
}

/** One metadata item with its last result; an item that was never collected has Go's zero time. */
export function toApiMetadata(row: WorkspaceAgentMetadataRow, now: Date): agents.WorkspaceAgentMetadata {
  const collectedAt = row.collected_at;
  return {
    result: {
      collected_at: collectedAt?.toISOString() ?? zeroTime,
      age: collectedAt ? Math.max(0, Math.floor((now.getTime() - collectedAt.getTime()) / 1000)) : 0,
      value: row.value,
      error: row.error,
    },
    description: {
      display_name: row.display_name,
      key: row.key,
      script: row.script,
      interval: row.interval_seconds,
      timeout: row.timeout_seconds,
    },
  };
}
