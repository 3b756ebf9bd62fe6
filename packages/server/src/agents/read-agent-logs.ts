import { type agents, maxAgentLogLines } from "@slipway/api";
import type { WebSocket } from "ws";
import type { Db } from "../db/db.ts";
import type { WorkspaceAgentLogRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

/** Lines in one message of a follower, and in one query. */
const pageSize = 500;

function toApiLog(row: WorkspaceAgentLogRow): agents.WorkspaceAgentLog {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    output: row.output,
    // Written from the five levels of the agent protocol.
    level: row.level as agents.WorkspaceAgentLog["level"],
    source_id: row.log_source_id,
  };
}

/** The first lines of a range. Its reader asks for more behind the last one when there are as many as may be. */
export async function readAgentLogs(
  db: Db,
  agentId: string,
  range: { after?: number | undefined; before?: number | undefined },
): Promise<agents.WorkspaceAgentLog[]> {
  let query = db.selectFrom("workspace_agent_logs").selectAll().where("agent_id", "=", agentId);
  if (range.after !== undefined) query = query.where("id", ">", range.after);
  if (range.before !== undefined) query = query.where("id", "<", range.before);
  return (await query.orderBy("id").limit(maxAgentLogLines).execute()).map(toApiLog);
}

/**
 * Sends the lines behind `after`, then every new one, until the socket closes or the agent is gone. The next page is
 * read when the last one has left, so a client that reads nothing holds one page.
 */
export async function followAgentLogs(
  deps: Pick<Deps, "db" | "events" | "signal">,
  socket: WebSocket,
  agentId: string,
  after: number,
): Promise<void> {
  const ended = new AbortController();
  socket.once("close", () => ended.abort());
  const signal = AbortSignal.any([ended.signal, deps.signal]);
  let last = after;
  while (!signal.aborted) {
    const page = await deps.events
      .waitFor("agent", agentId, () => nextPage(deps.db, agentId, last), { signal, timeoutMs: 30_000 })
      .catch((err) => {
        if (signal.aborted) return null;
        throw err;
      });
    if (signal.aborted) break;
    if (page === "gone") {
      socket.close(1000, "The agent was replaced or removed.");
      return;
    }
    // Nothing for a while: a ping finds out whether anybody is still there.
    if (page === null) socket.ping();
    else {
      last = page.at(-1)?.id ?? last;
      await new Promise<void>((resolve) => socket.send(JSON.stringify(page), () => resolve()));
    }
  }
  socket.close(1001);
}

async function nextPage(
  db: Db,
  agentId: string,
  after: number,
): Promise<agents.WorkspaceAgentLog[] | "gone" | null> {
  const rows = await db
    .selectFrom("workspace_agent_logs")
    .selectAll()
    .where("agent_id", "=", agentId)
    .where("id", ">", after)
    .orderBy("id")
    .limit(pageSize)
    .execute();
  if (rows.length > 0) return rows.map(toApiLog);
  const agent = await db
    .selectFrom("workspace_agents")
    .select("deleted")
    .where("id", "=", agentId)
    .executeTakeFirst();
  return agent && !agent.deleted ? null : "gone";
}
