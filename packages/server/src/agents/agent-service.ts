import type { ConnectRouter } from "@connectrpc/connect";
import { Code, ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { agents, common } from "@slipway/api";
import { createRpcHandlers, type RpcHandlers } from "@slipway/mux";
import { AgentService } from "@slipway/proto/agent";
import { LogLevel } from "@slipway/proto/provisioner";
import { maxKept, resumeKeyBytes } from "../connections/forgettable.ts";
import type { KeptStreams } from "../connections/kept-streams.ts";
import type { Deps } from "../deps.ts";
import { readGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { truncateUtf8 } from "../http/truncate-utf8.ts";
import type { AgentHub } from "./agent-hub.ts";
import { findAgent } from "./find-agent.ts";
import { isLifecycle, mayFollow } from "./lifecycle-order.ts";
import { loadManifest } from "./manifest.ts";
import { storeAgentLogs } from "./store-agent-logs.ts";

/** Whose session a call came over. Never taken from a message: an agent reports on itself alone. */
export type AgentIdentity = { agentId: string; workspaceId: string; generation: number };

export const agentIdentity = createContextKey<AgentIdentity | null>(null, {
  description: "the calling agent",
});

const maxMetadataBytes = 10 * 1024;
const maxLinesPerBatch = 10_000;
const statsIntervalMs = 30_000;

const levels: Readonly<Partial<Record<LogLevel, agents.WorkspaceAgentLog["level"]>>> = {
  [LogLevel.TRACE]: "trace",
  [LogLevel.DEBUG]: "debug",
  [LogLevel.INFO]: "info",
  [LogLevel.WARN]: "warn",
  [LogLevel.ERROR]: "error",
};

export type AgentServiceParts = { hub: AgentHub; kept: KeptStreams };

/** What agents may call. One set of handlers serves all of them; each call carries its session's identity. */
export function createAgentService(deps: Deps, parts: AgentServiceParts): RpcHandlers {
  return createRpcHandlers((router) => agentRoutes(router, deps, parts), {
    maxMessageBytes: 4 * 1024 * 1024,
  });
}

function caller(ctx: HandlerContext): AgentIdentity {
  const identity = ctx.values.get(agentIdentity);
  if (!identity) throw new ConnectError("the call has no agent", Code.Unauthenticated);
  return identity;
}

function agentRoutes(router: ConnectRouter, deps: Deps, { hub, kept }: AgentServiceParts): void {
  const { db, clock, events } = deps;

  // A clock of the agent's may be off by an hour: what it reports is never later than now.
  const reportedTime = (ms: bigint) => new Date(Math.min(Number(ms), clock.now().getTime()));

  // Updates the agent's row only while this session is the newest one, and tells whoever watches.
  async function update(identity: AgentIdentity, set: Record<string, unknown>): Promise<void> {
    const updated = await db
      .updateTable("workspace_agents")
      .set({ ...set, updated_at: clock.now() })
      .where("id", "=", identity.agentId)
      .where("generation", "=", identity.generation)
      .returning("id")
      .executeTakeFirst();
    if (!updated) throw new ConnectError("a newer session has taken this one's place", Code.Aborted);
    await events.publish(db, "agent", identity.agentId);
  }

  router.service(AgentService, {
    async getManifest(_request, ctx) {
      const found = await findAgent(db, caller(ctx).agentId);
      if (!found) throw new ConnectError("this agent does not exist any more", Code.NotFound);
      return loadManifest(deps, found);
    },

    async updateStartup(request, ctx) {
      await update(caller(ctx), {
        version: request.version.slice(0, 256),
        expanded_directory: request.expandedDirectory.slice(0, 4096),
        subsystems: request.subsystems.slice(0, 16).map((name) => name.slice(0, 64)),
        api_version: "2.0",
      });
      return {};
    },

    async updateLifecycle(request, ctx) {
      const identity = caller(ctx);
      const next = request.state;
      if (!isLifecycle(next))
        throw new ConnectError(`"${next}" is not a life-cycle state`, Code.InvalidArgument);
      const at = reportedTime(request.changedAtMs);
      await db.transaction().execute(async (tx) => {
        const row = await tx
          .selectFrom("workspace_agents")
          .select("lifecycle_state")
          .where("id", "=", identity.agentId)
          .where("generation", "=", identity.generation)
          .forUpdate()
          .executeTakeFirst();
        if (!row) throw new ConnectError("a newer session has taken this one's place", Code.Aborted);
        // Repeated after a reconnect, or late: what is stored is at least as new.
        if (!mayFollow(row.lifecycle_state, next)) return;
        const isStarted = next === "ready" || next === "start_error" || next === "start_timeout";
        await tx
          .updateTable("workspace_agents")
          .set({
            lifecycle_state: next,
            updated_at: clock.now(),
            ...(next === "starting" ? { started_at: at, ready_at: null } : {}),
            ...(isStarted ? { ready_at: at } : {}),
          })
          .where("id", "=", identity.agentId)
          .execute();
        await events.publish(tx, "agent", identity.agentId);
        await events.publish(tx, "workspace", identity.workspaceId);
      });
      return {};
    },

    async updateStats(request, ctx) {
      const identity = caller(ctx);
      const inUse =
        request.connectionCount > 0n || Object.values(request.sessionCounts).some((count) => count > 0n);
      if (inUse) {
        await db
          .updateTable("workspaces")
          .set({ last_used_at: clock.now() })
          .where("id", "=", identity.workspaceId)
          .execute();
      }
      return { reportIntervalMs: statsIntervalMs };
    },

    async batchUpdateAppHealth(request, ctx) {
      const identity = caller(ctx);
      for (const { appId, health } of request.apps.slice(0, 256)) {
        const parsed = agents.AppHealth.safeParse(health);
        if (!parsed.success) throw new ConnectError(`"${health}" is not a health`, Code.InvalidArgument);
        await db
          .updateTable("workspace_apps")
          .set({ health: parsed.data })
          .where("id", "=", appId)
          .where("agent_id", "=", identity.agentId)
          .execute();
      }
      await events.publish(db, "workspace", identity.workspaceId);
      return {};
    },

    async batchUpdateMetadata(request, ctx) {
      const identity = caller(ctx);
      const now = clock.now();
      for (const result of request.results.slice(0, 256)) {
        await db
          .updateTable("workspace_agent_metadata")
          .set({
            value: cut(result.value, maxMetadataBytes),
            error: cut(result.error, maxMetadataBytes),
            // The server's time, not the agent's (agent-and-apps.md 1.7).
            collected_at: now,
          })
          .where("agent_id", "=", identity.agentId)
          .where("key", "=", result.key)
          .execute();
      }
      hub.metadata.changed(identity.agentId);
      return {};
    },

    async batchCreateLogs(request, ctx) {
      const identity = caller(ctx);
      // What is no UUID at all is no source of this agent either. Any other failure is not the agent's: it must come
      // again with these lines, which it throws away when they are refused.
      const source = common.Uuid.safeParse(request.logSourceId).success
        ? await db
            .selectFrom("workspace_agent_log_sources")
            .select("id")
            .where("agent_id", "=", identity.agentId)
            .where("id", "=", request.logSourceId)
            .executeTakeFirst()
        : undefined;
      if (!source)
        throw new ConnectError("log_source_id names no log source of this agent", Code.InvalidArgument);
      return storeAgentLogs(deps, {
        agentId: identity.agentId,
        sourceId: source.id,
        batchId: request.batchId.slice(0, 64) || undefined,
        lines: request.logs.slice(0, maxLinesPerBatch).map((line) => ({
          createdAt: reportedTime(line.createdAtMs),
          level: levels[line.level] ?? "info",
          output: line.output,
        })),
      });
    },

    async scriptCompleted(request, ctx) {
      const identity = caller(ctx);
      const status = agents.AgentScriptStatus.safeParse(request.status);
      if (!status.success)
        throw new ConnectError(`"${request.status}" is not a script status`, Code.InvalidArgument);
      if (!["start", "stop", "cron"].includes(request.stage)) {
        throw new ConnectError(`"${request.stage}" is not a stage`, Code.InvalidArgument);
      }
      await db.transaction().execute(async (tx) => {
        const script = await tx
          .updateTable("workspace_agent_scripts")
          .set({ exit_code: request.exitCode, status: status.data })
          .where("id", "=", request.scriptId)
          .where("agent_id", "=", identity.agentId)
          .returning("id")
          .executeTakeFirst();
        if (!script) throw new ConnectError("script_id names no script of this agent", Code.InvalidArgument);
        const startedAt = reportedTime(request.startedAtMs);
        // A report whose answer was lost comes again; the script's row is locked meanwhile.
        const known = await tx
          .selectFrom("workspace_agent_script_timings")
          .select("script_id")
          .where("script_id", "=", script.id)
          .where("started_at", "=", startedAt)
          .where("stage", "=", request.stage)
          .executeTakeFirst();
        if (known) return;
        await tx
          .insertInto("workspace_agent_script_timings")
          .values({
            script_id: script.id,
            started_at: startedAt,
            ended_at: reportedTime(request.endedAtMs),
            exit_code: request.exitCode,
            stage: request.stage,
            status: status.data,
          })
          .execute();
      });
      return {};
    },

    reportConnection(request, ctx) {
      const identity = caller(ctx);
      deps.log.info(
        {
          agentId: identity.agentId,
          workspaceId: identity.workspaceId,
          connectionId: request.connectionId.slice(0, 64),
          type: request.type.slice(0, 32),
          statusCode: request.statusCode,
        },
        request.action === "connect" ? "connection opened" : "connection closed",
      );
      return {};
    },

    async getGitSSHKey(_request, ctx) {
      const found = await findAgent(db, caller(ctx).agentId);
      if (!found) throw new ConnectError("this agent does not exist any more", Code.NotFound);
      if (found.agent.api_key_scope === "no_user_data") {
        throw new ConnectError(
          "the template withholds its owner's data (api_key_scope = no_user_data)",
          Code.PermissionDenied,
        );
      }
      const key = await readGitSshKey(db, deps, found.workspace.owner_id);
      if (!key) throw new ConnectError("the owner has no Git SSH key", Code.NotFound);
      return key;
    },

    reportKept(request, ctx) {
      const { agentId, workspaceId } = caller(ctx);
      for (const { userId, keyId, resumeKeys, terminalIds } of request.kept.slice(0, maxKept)) {
        // No such ids: what an agent says of them can be about nobody.
        if (!common.Uuid.safeParse(userId).success || !/^\w{1,32}$/.test(keyId)) continue;
        kept.keep({
          ...{ agentId, workspaceId, userId, keyId },
          resumeKeys: resumeKeys.slice(0, maxKept).filter((key) => key.length === resumeKeyBytes),
          terminalIds: terminalIds.slice(0, maxKept).filter((id) => id.length <= 64),
        });
      }
      return {};
    },

    getAnnouncementBanners: () => ({ banners: [] }),
  });
}

// Postgres refuses NUL in text.
function cut(text: string, maxBytes: number): string {
  return truncateUtf8(text.replaceAll("\0", ""), maxBytes);
}
