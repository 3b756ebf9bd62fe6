import { agents } from "@slipway/api";
import { createWindowBudget } from "@slipway/mux";
import type { WebSocket } from "ws";
import { acceptCarrier } from "../connections/accept-carrier.ts";
import { enterWatch } from "../connections/enter-watch.ts";
import { judgePerson } from "../connections/judge-person.ts";
import { createKeptStreams } from "../connections/kept-streams.ts";
import { createLiveAccess, type LiveAccess } from "../connections/live-access.ts";
import { serveTerminal } from "../connections/terminal.ts";
import { serveTunnel } from "../connections/tunnel.ts";
import type { Deps } from "../deps.ts";
import { readGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { closeSocket } from "../http/close-socket.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { sseStream } from "../http/sse.ts";
import { acceptWebSocket, closeWithError } from "../http/websocket-route.ts";
import type { Pass } from "../passes.ts";
import { judgeDaemon } from "../provisioners/judge-daemon.ts";
import { acceptAgent } from "./accept-agent.ts";
import { agentControl } from "./agent-control.ts";
import { agentHeartbeat } from "./agent-heartbeat.ts";
import { type AgentHub, createAgentHub } from "./agent-hub.ts";
import { createAgentService } from "./agent-service.ts";
import { heartbeatMs } from "./agent-status.ts";
import { authenticateAgent } from "./authenticate-agent.ts";
import { followAgentLogs, readAgentLogs } from "./read-agent-logs.ts";
import { requireAgent } from "./require-agent.ts";
import { storeAgentLogs } from "./store-agent-logs.ts";
import { toApiAgents, toApiLogSource } from "./to-api-agent.ts";
import { watchMetadata } from "./watch-metadata.ts";

/** Bytes that all streams of this replica may hold back together: 1,000 slow readers must not be an outage. */
const serverWindowBytes = 1024 * 1024 * 1024;

const seenOffWithinMs = 5_000;

/** Sources are shown with their agent wherever its workspace is, in lists of workspaces too. */
export const maxLogSources = 256;

export type Agents = {
  hub: AgentHub;
  live: LiveAccess;
  passes: Pass[];
  /** Resolves when it is written down of every agent that it has gone. */
  seenOff(): Promise<void>;
};

/** Registers all that agents, and people who want to reach them, talk to. Returns what runs beside the routes. */
export function registerAgentRoutes(app: App, deps: Deps): Agents {
  const { db, clock, events, log } = deps;
  const hub = createAgentHub();
  const budget = createWindowBudget(serverWindowBytes);
  const live = createLiveAccess({
    events,
    clock,
    log,
    judge: (entry) => ("ground" in entry ? judgeDaemon(deps, entry.ground) : judgePerson(deps, entry)),
  });
  deps.signal.addEventListener("abort", () => live.close(), { once: true });
  const kept = createKeptStreams(deps, { hub, live });
  const handlers = createAgentService(deps, { hub, kept });

  // The checks run before the upgrade, so that a refusal is an HTTP answer with its reason.
  registerRoute(app, agents.connectAgent, async (req) => {
    const found = await authenticateAgent(db, req.raw);
    const carrier = await acceptCarrier(app, req);
    await acceptAgent(deps, { carrier, found, handlers, hub, budget });
    return handled;
  });

  registerRoute(app, agents.openTunnel, async (req) => {
    const found = await requireAgent(deps, req.auth, req.params.workspaceagent, "ssh");
    const carrier = await acceptCarrier(app, req);
    await serveTunnel(deps, { carrier, found, auth: req.auth, remoteIp: req.ip, hub, live, kept, budget });
    return handled;
  });

  registerRoute(app, agents.openTerminal, async (req) => {
    const found = await requireAgent(deps, req.auth, req.params.workspaceagent, "ssh");
    const { reconnect, width, height, command, container } = req.query;
    if (container) {
      throw new ApiError("bad_request", "Terminals in containers inside a workspace are not supported yet.");
    }
    // What is typed before the terminal stands waits in the socket.
    const socket = await acceptWebSocket(app, req, { onOpen: (opened) => opened.pause() });
    await serveTerminal(deps, {
      socket,
      found,
      auth: req.auth,
      remoteIp: req.ip,
      hub,
      live,
      kept,
      terminal: { id: reconnect, command: command ?? "", width: width || 80, height: height || 24 },
    });
    return handled;
  });

  registerRoute(app, agents.getAgent, async (req) => {
    const { agent } = await requireAgent(deps, req.auth, req.params.workspaceagent, "read");
    const body = (await toApiAgents(db, deps, [agent])).get(agent.id);
    if (!body)
      throw new ApiError("not_found", "Resource not found or you do not have access to this resource");
    return { status: 200, body };
  });

  registerRoute(app, agents.getListeningPorts, async (req) => {
    const { agent } = await requireAgent(deps, req.auth, req.params.workspaceagent, "ssh");
    const session = hub.sessions.get(agent.id);
    if (!session) throw new ApiError("bad_request", `The agent "${agent.name}" is not connected.`);
    const { ports } = await agentControl(session).listeningPorts({}, { timeoutMs: 10_000 });
    return {
      status: 200,
      body: {
        ports: ports.map(({ processName, network, port }) => ({ process_name: processName, network, port })),
      },
    };
  });

  registerRoute(app, agents.getAgentLogs, async (req) => {
    const { agent, workspace } = await requireAgent(deps, req.auth, req.params.workspaceagent, "read");
    if (!req.query.follow) return { status: 200, body: await readAgentLogs(db, agent.id, req.query) };
    const socket = await acceptWebSocket(app, req);
    const leave = live.enter({
      userId: req.auth.user.id,
      keyId: req.auth.key.id,
      workspaceId: workspace.id,
      action: "read",
      kind: "agent logs",
      cut: (reason) => closeSocket(socket, 1008, reason),
    });
    try {
      await followAgentLogs(deps, socket, agent.id, req.query.after ?? 0);
    } catch (err) {
      closeWithError(socket, err, app);
    } finally {
      leave();
    }
    return handled;
  });

  registerRoute(app, agents.watchAgentMetadata, async (req) => {
    const { auth } = req;
    const { agent, workspace } = await requireAgent(deps, auth, req.params.workspaceagent, "read");
    const stream = sseStream(req);
    const sink = {
      data: (items: agents.WorkspaceAgentMetadata[]) => stream.send("data", items),
      // The stream pings by itself.
      ping: () => {},
    };
    const watched = { auth, workspaceId: workspace.id, kind: "metadata" };
    const watch = enterWatch(live, watched, stream.signal, (message) => stream.send("error", { message }));
    try {
      await watchMetadata(deps, hub, { agentId: agent.id, signal: watch.signal, sink });
    } finally {
      watch.leave();
      stream.end();
    }
    return handled;
  });

  registerRoute(app, agents.watchAgentMetadataWs, async (req) => {
    const { auth } = req;
    const { agent, workspace } = await requireAgent(deps, auth, req.params.workspaceagent, "read");
    const socket = await acceptWebSocket(app, req);
    const closed = new AbortController();
    socket.once("close", () => closed.abort());
    const sink = {
      data: (data: agents.WorkspaceAgentMetadata[]) => sendJson(socket, { type: "data", data }),
      ping: () => sendJson(socket, { type: "ping", data: null }),
    };
    const watched = { auth, workspaceId: workspace.id, kind: "metadata" };
    const watch = enterWatch(live, watched, closed.signal, (message) => {
      void sendJson(socket, { type: "error", data: { message } });
    });
    try {
      await watchMetadata(deps, hub, { agentId: agent.id, signal: watch.signal, sink });
      socket.close(1000);
    } catch (err) {
      closeWithError(socket, err, app);
    } finally {
      watch.leave();
    }
    return handled;
  });

  registerRoute(app, agents.getAgentGitSSHKey, async (req) => {
    const { agent, workspace } = await authenticateAgent(db, req.raw);
    if (agent.api_key_scope === "no_user_data") {
      throw new ApiError("forbidden", "The template withholds its owner's data from this agent.");
    }
    const key = await readGitSshKey(db, deps, workspace.owner_id);
    if (!key) throw new ApiError("not_found", "The owner of this workspace has no Git SSH key.");
    return { status: 200, body: { public_key: key.publicKey, private_key: key.privateKey } };
  });

  registerRoute(app, agents.patchAgentLogs, async (req) => {
    const { agent } = await authenticateAgent(db, req.raw);
    const sourceId = req.body.log_source_id ?? (await firstLogSource(deps, agent.id));
    const known = await deps.db
      .selectFrom("workspace_agent_log_sources")
      .select("id")
      .where("agent_id", "=", agent.id)
      .where("id", "=", sourceId)
      .executeTakeFirst();
    if (!known) {
      throw new ApiError("bad_request", "Validation failed.", {
        validations: [{ field: "log_source_id", detail: "names no log source of this agent." }],
      });
    }
    const { limitExceeded } = await storeAgentLogs(deps, {
      agentId: agent.id,
      sourceId,
      lines: req.body.logs.map((line) => ({
        createdAt: new Date(line.created_at),
        level: line.level ?? "info",
        output: line.output,
      })),
    });
    if (limitExceeded) throw new ApiError("payload_too_large", "Logs limit exceeded");
    return { status: 200, body: { message: "Logs stored." } };
  });

  registerRoute(app, agents.postAgentLogSource, async (req) => {
    const { agent } = await authenticateAgent(db, req.raw);
    const { id, display_name, icon } = req.body;
    const { others } = await db
      .selectFrom("workspace_agent_log_sources")
      .select((eb) => eb.fn.countAll<number>().as("others"))
      .where("agent_id", "=", agent.id)
      .where("id", "<>", id)
      .executeTakeFirstOrThrow();
    if (others >= maxLogSources) {
      throw new ApiError("bad_request", `An agent has at most ${maxLogSources} log sources.`, {
        detail: "Send the log as one of a source that it has already.",
      });
    }
    const row = await db
      .insertInto("workspace_agent_log_sources")
      .values({ id, agent_id: agent.id, display_name, icon, created_at: clock.now() })
      .onConflict((conflict) => conflict.columns(["agent_id", "id"]).doUpdateSet({ display_name, icon }))
      .returningAll()
      .executeTakeFirstOrThrow();
    return { status: 201, body: toApiLogSource(row) };
  });

  return {
    hub,
    live,
    seenOff: () => hub.departures.settled(seenOffWithinMs),
    passes: [
      {
        name: "agent heartbeat",
        everyMs: heartbeatMs,
        runOnce: (_deps, now) => agentHeartbeat(deps, hub, now),
      },
      { name: "live access", everyMs: 10_000, runOnce: () => live.runOnce() },
    ],
  };
}

async function firstLogSource(deps: Deps, agentId: string): Promise<string> {
  const row = await deps.db
    .selectFrom("workspace_agent_log_sources")
    .select("id")
    .where("agent_id", "=", agentId)
    .orderBy("created_at")
    .executeTakeFirst();
  if (!row) throw new ApiError("bad_request", "log_source_id is required: this agent has no log source.");
  return row.id;
}

function sendJson(socket: WebSocket, message: object): Promise<void> {
  return new Promise((resolve) => socket.send(JSON.stringify(message), () => resolve()));
}
