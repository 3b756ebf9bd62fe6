import { createHash } from "node:crypto";
import type { Db } from "../db/db.ts";
import type { WorkspaceAgentRow, WorkspaceRow } from "../db/schema.ts";

export type AgentOfWorkspace = { agent: WorkspaceAgentRow; workspace: WorkspaceRow };

/** What is stored of an agent's token. */
export function hashAgentToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The agent that a token belongs to: one of the newest build of a workspace that still exists. The token of an
 * older build, or of a deleted workspace, is nobody's.
 */
export async function findAgentByToken(db: Db, token: string): Promise<AgentOfWorkspace | null> {
  if (!uuid.test(token)) return null;
  const agent = await db
    .selectFrom("workspace_agents")
    .selectAll()
    .where("token_hash", "=", hashAgentToken(token))
    .where("deleted", "=", false)
    .executeTakeFirst();
  return agent ? withWorkspace(db, agent) : null;
}

/** The agent with this id, unless it or its workspace is gone. Says nothing about who may see it. */
export async function findAgent(db: Db, agentId: string): Promise<AgentOfWorkspace | null> {
  const agent = await db
    .selectFrom("workspace_agents")
    .selectAll()
    .where("id", "=", agentId)
    .where("deleted", "=", false)
    .executeTakeFirst();
  return agent ? withWorkspace(db, agent) : null;
}

async function withWorkspace(db: Db, agent: WorkspaceAgentRow): Promise<AgentOfWorkspace | null> {
  if (!agent.workspace_id || !agent.build_id) return null;
  const workspace = await db
    .selectFrom("workspaces")
    .selectAll()
    .where("id", "=", agent.workspace_id)
    .where("deleted", "=", false)
    .executeTakeFirst();
  return workspace ? { agent, workspace } : null;
}
