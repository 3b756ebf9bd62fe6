import { agents, type Client } from "@slipway/api/client";
import {
  type Carrier,
  createSession,
  dialCarrier,
  type Session,
  type SessionOptions,
  UpgradeRefusal,
} from "@slipway/mux/streams";
import type { Cli } from "../cli.ts";
import { webSocketNetwork } from "../http-fetch.ts";
import { TunnelRefusal } from "./tunnel-refusal.ts";

/** Opens the carrier to one agent: one WebSocket to the server, which relays what we open on it. */
export async function dialSession(
  cli: Cli,
  client: Client,
  agentId: string,
  options: { signal: AbortSignal; onGoAway: SessionOptions["onGoAway"] },
): Promise<Session> {
  const { url, headers } = client.webSocket(agents.openTunnel, { params: { workspaceagent: agentId } });
  const network = await webSocketNetwork(cli.env, url);
  const { signal, onGoAway } = options;
  let carrier: Carrier;
  try {
    carrier = await dialCarrier(url, { headers, socketOptions: network, signal });
  } catch (error) {
    throw error instanceof UpgradeRefusal ? judgeRefusal(error) : error;
  }
  return createSession(carrier, { role: "dialer", ...(onGoAway ? { onGoAway } : {}) });
}

function judgeRefusal(refusal: UpgradeRefusal): Error {
  const { status } = refusal;
  const said = refusal.said?.message;
  if (status === 401) {
    return new TunnelRefusal("forbidden", said ?? "Your session is not valid any more.", {
      hint: "Try logging in using 'coder login'.",
    });
  }
  if (status === 403) return new TunnelRefusal("forbidden", said ?? "You may not connect to this workspace.");
  if (status === 404 || status === 410)
    return new TunnelRefusal("not_found", said ?? "The workspace is gone.");
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    return new TunnelRefusal("refused", said ?? `The server refused the connection (status ${status}).`);
  // A server that starts or stops, or a proxy in front of one.
  return refusal;
}
