import type { agents, Client } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { createFetch } from "./http-fetch.ts";

/** An answer about a file that is there comes at once. */
const answerWithinMs = 2_000;

/**
 * Whether the server is still making the executable from which an agent is started, as it does once after it was
 * installed or updated: a request about it waits until then.
 */
export async function isExecutableInTheMaking(
  cli: Cli,
  client: Client,
  agent: Pick<agents.WorkspaceAgent, "operating_system" | "architecture">,
): Promise<boolean> {
  const name = `coder-${agent.operating_system}-${agent.architecture}`;
  const within = AbortSignal.timeout(answerWithinMs);
  try {
    await createFetch(cli.env)(`${client.url}/bin/${name}`, {
      method: "HEAD",
      headers: await cli.headers(),
      signal: AbortSignal.any([within, cli.signal]),
    });
    return false;
  } catch {
    // Any other failure is not about that, and shows itself to whoever waits for the agent.
    return within.aborted;
  }
}
