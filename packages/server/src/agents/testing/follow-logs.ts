import { once } from "node:events";
import { agents } from "@slipway/api";
import { WebSocket } from "ws";
import type { TestServer } from "../../testing/test-server.ts";

/** Follows an agent's logs, the shortest way to hold something open; `ended` tells why that was closed. */
export async function followLogs(
  test: TestServer,
  agentId: string,
  token: string,
): Promise<{ ended: Promise<{ code: number; reason: string }> }> {
  const { url, headers } = test.client(token).webSocket(agents.getAgentLogs, {
    params: { workspaceagent: agentId },
    query: { follow: true },
  });
  const socket = new WebSocket(url, { headers });
  const ended = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })),
  );
  await once(socket, "open");
  return { ended };
}
