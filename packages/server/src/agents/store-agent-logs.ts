import type { agents } from "@slipway/api";
import { sql } from "kysely";
import type { Tx } from "../db/db.ts";
import type { Deps } from "../deps.ts";
import { truncateUtf8 } from "../http/truncate-utf8.ts";

/** Output that is kept per agent (agent-and-apps.md 1.7). */
export const maxAgentLogBytes = 1024 * 1024;

/** A line beyond this is cut: the log is for people to read. */
const maxLineBytes = 64 * 1024;

/** What a line counts at least, as with the agent itself: a row of an empty one takes room as well. */
const minLineBytes = 8;

/** Batches whose repetition is recognised, per agent. */
const rememberedBatches = 256;

export type AgentLogLine = { createdAt: Date; level: agents.WorkspaceAgentLog["level"]; output: string };

export type StoreAgentLogs = {
  agentId: string;
  sourceId: string;
  lines: readonly AgentLogLine[];
  /** A batch with an id is stored once, however often it is sent. */
  batchId?: string | undefined;
};

/**
 * Appends lines to an agent's log. Beyond 1 MiB one warning takes the place of all that follows, and the agent is
 * told to stop.
 */
export async function storeAgentLogs(
  deps: Pick<Deps, "db" | "events" | "clock">,
  { agentId, sourceId, lines, batchId }: StoreAgentLogs,
): Promise<{ limitExceeded: boolean }> {
  const now = deps.clock.now();
  return deps.db.transaction().execute(async (tx) => {
    // The row lock puts batches of one agent in order, and its length and overflow into one decision.
    const agent = await tx
      .selectFrom("workspace_agents")
      .select(["logs_length", "logs_overflowed"])
      .where("id", "=", agentId)
      .forUpdate()
      .executeTakeFirst();
    if (!agent) return { limitExceeded: true };
    if (agent.logs_overflowed) return { limitExceeded: true };
    if (batchId) {
      const fresh = await tx
        .insertInto("workspace_agent_log_batches")
        .values({ agent_id: agentId, batch_id: batchId, created_at: now })
        .onConflict((conflict) => conflict.doNothing())
        .returning("batch_id")
        .executeTakeFirst();
      if (!fresh) return { limitExceeded: false };
      await forgetOldBatches(tx, agentId);
    }
    const rows: {
      agent_id: string;
      log_source_id: string;
      created_at: Date;
      level: string;
      output: string;
    }[] = [];
    let length = agent.logs_length;
    let overflowed = false;
    for (const line of lines) {
      const output = clean(line.output);
      const bytes = Math.max(minLineBytes, Buffer.byteLength(output));
      if (length + bytes > maxAgentLogBytes) {
        overflowed = true;
        rows.push({
          agent_id: agentId,
          log_source_id: sourceId,
          created_at: line.createdAt,
          level: "warn",
          output: "The log of this agent exceeds 1 MB. What follows is not kept.",
        });
        break;
      }
      length += bytes;
      rows.push({
        agent_id: agentId,
        log_source_id: sourceId,
        created_at: line.createdAt,
        level: line.level,
        output,
      });
    }
    if (rows.length > 0) await tx.insertInto("workspace_agent_logs").values(rows).execute();
    await tx
      .updateTable("workspace_agents")
      .set({ logs_length: length, logs_overflowed: overflowed })
      .where("id", "=", agentId)
      .execute();
    await deps.events.publish(tx, "agent", agentId);
    return { limitExceeded: overflowed };
  });
}

async function forgetOldBatches(tx: Tx, agentId: string): Promise<void> {
  await sql`
    delete from workspace_agent_log_batches
    where agent_id = ${agentId} and batch_id in (
      select batch_id from workspace_agent_log_batches where agent_id = ${agentId}
      order by created_at desc offset ${rememberedBatches})`.execute(tx);
}

// Postgres refuses NUL in text, and what an agent sends is data: bounded, whatever it is.
function clean(output: string): string {
  const text = output.includes("\0") ? output.replaceAll("\0", "") : output;
  if (Buffer.byteLength(text) <= maxLineBytes) return text;
  return `${truncateUtf8(text, maxLineBytes)} …`;
}
