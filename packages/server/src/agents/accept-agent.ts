import { fromBinary } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { type Carrier, createSession, type RpcHandlers, serveRpc, type WindowBudget } from "@slipway/mux";
import { StreamOpenSchema } from "@slipway/proto/tunnel";
import { sql } from "kysely";
import type { Logger } from "pino";
import type { Deps } from "../deps.ts";
import type { AgentHub } from "./agent-hub.ts";
import { agentIdentity } from "./agent-service.ts";
import type { AgentSession } from "./agent-sessions.ts";
import type { AgentOfWorkspace } from "./find-agent.ts";

/**
 * Far more than an agent makes at a time. Each may hold a message of megabytes while it comes, and whoever has a
 * workspace has an agent's token.
 */
const maxCalls = 64;

export type AcceptAgent = {
  carrier: Carrier;
  found: AgentOfWorkspace;
  handlers: RpcHandlers;
  hub: AgentHub;
  budget: WindowBudget;
};

/**
 * Takes a connected agent in: a new generation fences whatever an older session still says, and the agent is found
 * by those who want to reach it. Resolves when it is in: were the request still waiting for the session's end, each
 * idle agent would keep its rows, the buffer from Postgres below them, and the request in memory.
 */
export async function acceptAgent(
  deps: Deps,
  { carrier, found, handlers, hub, budget }: AcceptAgent,
): Promise<void> {
  const { agent, workspace } = found;
  const log = deps.log.child({ agentId: agent.id, workspaceId: workspace.id });
  const identity = { agentId: agent.id, workspaceId: workspace.id, generation: 0 };
  const values = createContextValues().set(agentIdentity, identity);

  // Frames are not read before the session exists, so nothing is lost while the row is written.
  const generation = await markConnected(deps, agent.id);
  if (generation === null) {
    carrier.close("This agent does not exist any more.");
    return;
  }
  identity.generation = generation;

  let calls = 0;
  const session = createSession(carrier, {
    role: "acceptor",
    windowBudget: budget,
    log,
    onStream(stream) {
      let kind: string | undefined;
      try {
        kind = fromBinary(StreamOpenSchema, stream.meta).kind.case;
      } catch {
        // Whatever these bytes are, they open nothing.
      }
      // Agents only call us; every other kind of stream is opened towards them.
      if (kind !== "rpc") return stream.reset("refused", "Agents open RPC streams only.");
      if (calls >= maxCalls) return stream.reset("overloaded", "Too many calls at a time. Try again later.");
      calls++;
      stream.once("close", () => calls--);
      serveRpc(stream, handlers, { contextValues: values });
    },
  });
  const entry: AgentSession = { agentId: agent.id, workspaceId: workspace.id, generation, session };
  hub.sessions.add(entry);
  log.info({ generation }, "agent connected");
  hub.departures.add(seeOff(deps, hub, entry, log));
  await publishChange(deps, entry);
}

/** What is left to do when the session is over. Never rejects. */
async function seeOff(deps: Deps, hub: AgentHub, entry: AgentSession, log: Logger): Promise<void> {
  const { session, generation } = entry;
  const onStop = () => session.goAway("The server is shutting down.");
  deps.signal.addEventListener("abort", onStop, { once: true });
  const cause = await session.closed;
  deps.signal.removeEventListener("abort", onStop);
  hub.sessions.remove(entry);
  log.info({ generation, cause: cause?.message }, "agent disconnected");
  await markDisconnected(deps, entry).catch((err) => {
    // The heartbeat that does not come any more says the same, only later.
    log.warn({ err }, "could not note that the agent has disconnected");
  });
}

async function markConnected(deps: Deps, agentId: string): Promise<number | null> {
  const now = deps.clock.now();
  const row = await deps.db
    .updateTable("workspace_agents")
    .set({
      generation: sql`generation + 1`,
      first_connected_at: sql`coalesce(first_connected_at, ${now})`,
      last_connected_at: now,
      disconnected_at: null,
      updated_at: now,
    })
    .where("id", "=", agentId)
    .where("deleted", "=", false)
    .returning("generation")
    .executeTakeFirst();
  return row?.generation ?? null;
}

async function markDisconnected(deps: Deps, entry: AgentSession): Promise<void> {
  const now = deps.clock.now();
  await deps.db
    .updateTable("workspace_agents")
    .set({ disconnected_at: now, updated_at: now })
    .where("id", "=", entry.agentId)
    .where("generation", "=", entry.generation)
    .execute();
  await publishChange(deps, entry);
}

async function publishChange(deps: Deps, entry: AgentSession): Promise<void> {
  await deps.events.publish(deps.db, "agent", entry.agentId);
  await deps.events.publish(deps.db, "workspace", entry.workspaceId);
}
