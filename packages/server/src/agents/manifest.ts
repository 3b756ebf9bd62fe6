import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Manifest, ManifestSchema } from "@slipway/proto/agent";
import type { Deps } from "../deps.ts";
import type { AgentOfWorkspace } from "./find-agent.ts";
import { maxAgentLogBytes } from "./store-agent-logs.ts";

/** Everything an agent needs to know of itself: who owns it, what it runs, which environment it gives. */
export async function loadManifest(deps: Deps, { agent, workspace }: AgentOfWorkspace): Promise<Manifest> {
  const { db } = deps;
  const [owner, scripts, apps, metadata, sources] = await Promise.all([
    db
      .selectFrom("users")
      .select(["id", "username", "name", "email"])
      .where("id", "=", workspace.owner_id)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom("workspace_agent_scripts")
      .selectAll()
      .where("agent_id", "=", agent.id)
      .orderBy("position")
      .execute(),
    db.selectFrom("workspace_apps").selectAll().where("agent_id", "=", agent.id).orderBy("slug").execute(),
    db
      .selectFrom("workspace_agent_metadata")
      .selectAll()
      .where("agent_id", "=", agent.id)
      .orderBy("key")
      .execute(),
    db.selectFrom("workspace_agent_log_sources").selectAll().where("agent_id", "=", agent.id).execute(),
  ]);
  const manifest: MessageInitShape<typeof ManifestSchema> = {
    agentId: agent.id,
    agentName: agent.name,
    ownerId: owner.id,
    ownerUsername: owner.username,
    ownerName: owner.name,
    ownerEmail: owner.email,
    workspaceId: workspace.id,
    workspaceName: workspace.name,
    buildId: agent.build_id ?? "",
    environmentVariables: agent.environment_variables,
    directory: agent.directory,
    motdPath: agent.motd_file,
    accessUrl: deps.config.accessUrl ?? "",
    apiKeyNoUserData: agent.api_key_scope === "no_user_data",
    logBytesLeft: BigInt(agent.logs_overflowed ? 0 : Math.max(0, maxAgentLogBytes - agent.logs_length)),
    logSources: sources.map((source) => ({
      id: source.id,
      displayName: source.display_name,
      icon: source.icon,
    })),
    scripts: scripts.map((script) => ({
      id: script.id,
      logSourceId: script.log_source_id,
      displayName: script.display_name,
      icon: script.icon,
      script: script.script,
      cron: script.cron,
      runOnStart: script.run_on_start,
      runOnStop: script.run_on_stop,
      startBlocksLogin: script.start_blocks_login,
      timeoutSeconds: script.timeout_seconds,
      logPath: script.log_path,
    })),
    apps: apps.map((app) => ({
      id: app.id,
      slug: app.slug,
      displayName: app.display_name,
      command: app.command ?? "",
      url: app.url ?? "",
      icon: app.icon,
      subdomain: app.subdomain,
      external: app.external,
      sharingLevel: app.sharing_level,
      ...(app.healthcheck_url
        ? {
            healthcheck: {
              url: app.healthcheck_url,
              intervalSeconds: app.healthcheck_interval_seconds,
              threshold: app.healthcheck_threshold,
            },
          }
        : {}),
    })),
    metadata: metadata.map((item) => ({
      key: item.key,
      displayName: item.display_name,
      script: item.script,
      intervalSeconds: item.interval_seconds,
      timeoutSeconds: item.timeout_seconds,
      order: item.display_order,
    })),
  };
  return create(ManifestSchema, manifest);
}
