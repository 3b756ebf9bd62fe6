import { requireAccess } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";
import { type AgentOfWorkspace, findAgent } from "./find-agent.ts";

/** The agent, if the caller may do this with its workspace; "absent" and "not yours" answer alike. */
export async function requireAgent(
  deps: Pick<Deps, "db">,
  auth: Auth,
  agentId: string,
  action: "read" | "ssh",
): Promise<AgentOfWorkspace> {
  const found = await findAgent(deps.db, agentId);
  if (!found)
    throw new ApiError("not_found", "Resource not found or you do not have access to this resource");
  const { workspace } = found;
  requireAccess(auth.subject, action, {
    type: "workspace",
    id: workspace.id,
    ownerId: workspace.owner_id,
    organizationId: workspace.organization_id,
  });
  return found;
}
