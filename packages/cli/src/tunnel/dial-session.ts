import type { IncomingMessage } from "node:http";
import { agents, type Client } from "@slipway/api/client";
import {
  createSession,
  type Session,
  type SessionOptions,
  SUBPROTOCOL,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux/streams";
import { WebSocket } from "ws";
import type { Cli } from "../cli.ts";
import { webSocketNetwork } from "../http-fetch.ts";
import { TunnelRefusal } from "./tunnel-refusal.ts";

const handshakeTimeoutMs = 15_000;
const maxRefusalBytes = 64 * 1024;

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
  signal.throwIfAborted();
  const socket = new WebSocket(url, SUBPROTOCOL, {
    ...tunnelSocketOptions(url),
    ...network,
    headers,
    handshakeTimeout: handshakeTimeoutMs,
  });
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
      socket.terminate();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", reject);
    socket.once("open", () => {
      signal.removeEventListener("abort", onAbort);
      // In this very turn: a frame that comes before anybody listens would be lost.
      resolve(createSession(webSocketCarrier(socket), { role: "dialer", ...(onGoAway ? { onGoAway } : {}) }));
    });
    socket.once("unexpected-response", (request, response) => {
      void readRefusal(response).then((refusal) => {
        reject(refusal);
        request.destroy();
      });
    });
  });
}

async function readRefusal(response: IncomingMessage): Promise<Error> {
  const status = response.statusCode ?? 0;
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > maxRefusalBytes) break;
    }
  } catch {
    // The status says enough.
  }
  const said = messageIn(text);
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
  return new Error(said ?? `The server answered ${status} instead of opening a tunnel.`);
}

function messageIn(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // Not ours: a proxy's page.
  }
  return undefined;
}
