import { randomUUID } from "node:crypto";
import type { Agent, DisplayApps, Env, Resource } from "@slipway/proto/provisioner";
import type { InsertObject } from "kysely";
import { hashAgentToken } from "../agents/find-agent.ts";
import type { Tx } from "../db/db.ts";
import type { Database } from "../db/schema.ts";

/** The build that agents belong to; unset for the resources of a template version. */
export type AgentHome = { workspaceId: string; buildId: string };

export type StoreResources = {
  jobId: string;
  transition: "start" | "stop" | "delete";
  resources: readonly Resource[];
  home?: AgentHome;
  now: Date;
};

/** What a daemon reported cannot be stored, in words for the template's author. */
export class ResourceError extends Error {
  override readonly name = "ResourceError";
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Rows = {
  resources: InsertObject<Database, "workspace_resources">[];
  resourceMetadata: InsertObject<Database, "workspace_resource_metadata">[];
  agents: InsertObject<Database, "workspace_agents">[];
  agentMetadata: InsertObject<Database, "workspace_agent_metadata">[];
  logSources: InsertObject<Database, "workspace_agent_log_sources">[];
  scripts: InsertObject<Database, "workspace_agent_scripts">[];
  apps: InsertObject<Database, "workspace_apps">[];
};

// Postgres takes 65,535 values in one statement; no table here has more than 30 columns.
const ROWS_AT_ONCE = 2_000;

/**
 * Stores resources with their agents, apps, scripts and metadata, one statement for each table. Ids are ours: each
 * build has rows of its own.
 */
export async function storeResources(tx: Tx, options: StoreResources): Promise<{ dailyCost: number }> {
  const rows = rowsOf(options);
  for (const part of parts(rows.resources)) await tx.insertInto("workspace_resources").values(part).execute();
  for (const part of parts(rows.resourceMetadata))
    await tx.insertInto("workspace_resource_metadata").values(part).execute();
  for (const part of parts(rows.agents)) await tx.insertInto("workspace_agents").values(part).execute();
  for (const part of parts(rows.agentMetadata))
    await tx.insertInto("workspace_agent_metadata").values(part).execute();
  for (const part of parts(rows.logSources)) {
    await tx
      .insertInto("workspace_agent_log_sources")
      .values(part)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const part of parts(rows.scripts))
    await tx.insertInto("workspace_agent_scripts").values(part).execute();
  for (const part of parts(rows.apps)) await tx.insertInto("workspace_apps").values(part).execute();
  return { dailyCost: options.resources.reduce((sum, { dailyCost }) => sum + dailyCost, 0) };
}

function parts<T>(rows: readonly T[]): T[][] {
  const count = Math.ceil(rows.length / ROWS_AT_ONCE);
  return Array.from({ length: count }, (_, i) => rows.slice(i * ROWS_AT_ONCE, (i + 1) * ROWS_AT_ONCE));
}

function rowsOf({ jobId, transition, resources, home, now }: StoreResources): Rows {
  const rows: Rows = {
    resources: [],
    resourceMetadata: [],
    agents: [],
    agentMetadata: [],
    logSources: [],
    scripts: [],
    apps: [],
  };
  for (const [position, resource] of resources.entries()) {
    const id = randomUUID();
    rows.resources.push({
      id,
      job_id: jobId,
      transition,
      type: resource.type,
      name: resource.name,
      hide: resource.hide,
      icon: resource.icon,
      instance_type: resource.instanceType,
      daily_cost: resource.dailyCost,
      module_path: resource.modulePath,
      position,
      created_at: now,
    });
    // Null items are not shown (provisioning.md §1.12); of a repeated key the last one counts.
    const items = new Map(resource.metadata.filter(({ isNull }) => !isNull).map((item) => [item.key, item]));
    rows.resourceMetadata.push(
      ...[...items.values()].map(({ key, value, sensitive }, itemPosition) => ({
        resource_id: id,
        key,
        value,
        sensitive,
        position: itemPosition,
      })),
    );
    for (const agent of resource.agents) addAgent(rows, id, agent, home, now);
  }
  return rows;
}

function addAgent(
  rows: Rows,
  resourceId: string,
  agent: Agent,
  home: AgentHome | undefined,
  now: Date,
): void {
  const id = randomUUID();
  rows.agents.push({
    id,
    resource_id: resourceId,
    workspace_id: home?.workspaceId ?? null,
    build_id: home?.buildId ?? null,
    name: agent.name,
    token_hash: home === undefined ? null : tokenHash(agent),
    instance_id: agent.auth.case === "instanceId" ? agent.auth.value : null,
    api_key_scope: agent.apiKeyScope || "all",
    architecture: agent.architecture,
    operating_system: agent.operatingSystem,
    environment_variables: JSON.stringify(mergeEnvironment(agent)),
    directory: agent.directory,
    motd_file: agent.motdFile,
    display_apps: displayAppNames(agent.displayApps),
    display_order: agent.order,
    startup_script_behavior: agent.startupScriptBehavior || "non-blocking",
    connection_timeout_seconds: agent.connectionTimeoutSeconds,
    troubleshooting_url: agent.troubleshootingUrl,
    created_at: now,
    updated_at: now,
  });
  const metadata = new Map(agent.metadata.map((item) => [item.key, item]));
  rows.agentMetadata.push(
    ...[...metadata.values()].map((item) => ({
      agent_id: id,
      key: item.key,
      display_name: item.displayName,
      script: item.script,
      interval_seconds: item.intervalSeconds,
      timeout_seconds: item.timeoutSeconds,
      display_order: item.order,
    })),
  );
  addScripts(rows, id, agent, now);
  addApps(rows, id, agent, now);
}

function tokenHash(agent: Agent): Buffer | null {
  if (agent.auth.case !== "token") return null;
  if (uuid.test(agent.auth.value)) return hashAgentToken(agent.auth.value);
  throw new ResourceError(
    `The token of the agent "${agent.name}" is not a UUID. Use the coder provider's own.`,
  );
}

function addScripts(rows: Rows, agentId: string, agent: Agent, now: Date): void {
  for (const [position, script] of agent.scripts.entries()) {
    const logSourceId = uuid.test(script.logSourceId) ? script.logSourceId : randomUUID();
    rows.logSources.push({
      id: logSourceId,
      agent_id: agentId,
      display_name: script.displayName,
      icon: script.icon,
      created_at: now,
    });
    rows.scripts.push({
      id: randomUUID(),
      agent_id: agentId,
      log_source_id: logSourceId,
      display_name: script.displayName,
      icon: script.icon,
      log_path: script.logPath,
      script: script.script,
      cron: script.cron,
      run_on_start: script.runOnStart,
      run_on_stop: script.runOnStop,
      start_blocks_login: script.startBlocksLogin,
      timeout_seconds: script.timeoutSeconds,
      position,
    });
  }
}

function addApps(rows: Rows, agentId: string, agent: Agent, now: Date): void {
  rows.apps.push(
    ...agent.apps.map((app) => ({
      id: randomUUID(),
      agent_id: agentId,
      slug: app.slug,
      display_name: app.displayName || app.slug,
      icon: app.icon,
      command: app.command || null,
      url: app.url || null,
      external: app.external,
      subdomain: app.subdomain,
      sharing_level: app.sharingLevel || "owner",
      healthcheck_url: app.healthcheck?.url ?? "",
      healthcheck_interval_seconds: app.healthcheck?.intervalSeconds ?? 0,
      healthcheck_threshold: app.healthcheck?.threshold ?? 0,
      health: app.healthcheck?.url ? "initializing" : "disabled",
      display_order: app.order,
      display_group: app.group,
      hidden: app.hidden,
      open_in: app.openIn || "slim-window",
      tooltip: app.tooltip,
      created_at: now,
    })),
  );
}

/** The agent's own environment wins; `coder_env` merges by its strategy (provisioning.md §1.12). */
export function mergeEnvironment(agent: Pick<Agent, "name" | "env" | "extraEnvs">): Record<string, string> {
  const merged = new Map<string, string>();
  for (const extra of agent.extraEnvs) {
    const present = merged.get(extra.name);
    merged.set(extra.name, present === undefined ? extra.value : combine(agent.name, extra, present));
  }
  for (const [name, value] of Object.entries(agent.env)) merged.set(name, value);
  return Object.fromEntries(merged);
}

function combine(agentName: string, extra: Env, present: string): string {
  switch (extra.mergeStrategy) {
    case "append":
      return `${present}:${extra.value}`;
    case "prepend":
      return `${extra.value}:${present}`;
    case "error":
      throw new ResourceError(
        `Two coder_env set ${extra.name} for the agent "${agentName}", and one has merge_strategy = "error". Set it once.`,
      );
    default:
      return extra.value;
  }
}

/** provisioning.md §7.5: all but VS Code Insiders, unless the template says otherwise. */
function displayAppNames(apps: DisplayApps | undefined): string[] {
  if (apps === undefined) return ["vscode", "web_terminal", "ssh_helper", "port_forwarding_helper"];
  const names: [string, boolean][] = [
    ["vscode", apps.vscode],
    ["vscode_insiders", apps.vscodeInsiders],
    ["web_terminal", apps.webTerminal],
    ["ssh_helper", apps.sshHelper],
    ["port_forwarding_helper", apps.portForwardingHelper],
  ];
  return names.filter(([, isShown]) => isShown).map(([name]) => name);
}
