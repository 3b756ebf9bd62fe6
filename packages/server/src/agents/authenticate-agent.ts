import type { FastifyRequest } from "fastify";
import type { Db } from "../db/db.ts";
import { ApiError } from "../http/api-error.ts";
import { type AgentOfWorkspace, findAgentByToken } from "./find-agent.ts";

/** The agent that makes this request, by the token in `Coder-Session-Token` (rest-api.md 2). */
export async function authenticateAgent(db: Db, request: FastifyRequest): Promise<AgentOfWorkspace> {
  const token = request.headers["coder-session-token"];
  if (typeof token !== "string" || token === "") {
    throw new ApiError("unauthorized", "The header Coder-Session-Token must hold the agent's token.");
  }
  const found = await findAgentByToken(db, token);
  if (!found) {
    // The compute may run before its build is over and the token is stored: agents try again.
    throw new ApiError("unauthorized", "No agent has this token.", {
      detail: "The build that made it may not be finished, or a newer build has replaced it.",
    });
  }
  return found;
}
