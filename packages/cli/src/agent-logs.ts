import { agents, type Client, maxAgentLogLines } from "@slipway/api/client";

/** The stored lines of an agent's logs behind `after`, page by page. */
export async function* agentLogs(
  client: Client,
  agentId: string,
  after = 0,
): AsyncGenerator<agents.WorkspaceAgentLog> {
  for (let last = after; ; ) {
    // Without `follow` the route answers a list (its 101 has no body).
    const page = (await client.call(agents.getAgentLogs, {
      params: { workspaceagent: agentId },
      query: { after: last },
    })) as agents.WorkspaceAgentLog[];
    yield* page;
    const end = page.at(-1);
    if (!end || page.length < maxAgentLogLines) return;
    last = end.id;
  }
}
