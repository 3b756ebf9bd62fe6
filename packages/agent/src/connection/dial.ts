import type { IncomingMessage } from "node:http";
import { type Carrier, SUBPROTOCOL, tunnelSocketOptions, webSocketCarrier } from "@slipway/mux";
import { type ClientOptions, WebSocket } from "ws";

const HANDSHAKE_TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 4096;

/** The server answered the upgrade request with an ordinary response. */
export class RefusedError extends Error {
  override name = "RefusedError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type DialOptions = {
  url: string;
  token: string;
  version: string;
  /** Proxy agent, certificate authorities and the like, from whoever knows the environment. */
  socketOptions?: ((url: URL) => ClientOptions) | undefined;
  signal: AbortSignal;
};

/** Opens the one connection of the agent; rejects with what the server or the network said. */
export function dialServer(options: DialOptions): Promise<Carrier> {
  const url = rpcUrl(options.url);
  const extra = options.socketOptions?.(url) ?? {};
  const socket = new WebSocket(url, SUBPROTOCOL, {
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...tunnelSocketOptions(url),
    ...extra,
    headers: {
      ...extra.headers,
      "Coder-Session-Token": options.token,
      "X-Coder-Build-Version": options.version,
    },
  });
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.terminate();
    options.signal.addEventListener("abort", onAbort, { once: true });
    const settle = () => options.signal.removeEventListener("abort", onAbort);
    socket.once("open", () => {
      settle();
      resolve(webSocketCarrier(socket));
    });
    socket.on("error", (error) => {
      settle();
      reject(error);
    });
    socket.once("unexpected-response", (request, response) => {
      settle();
      void refusal(response).then((error) => {
        request.destroy();
        reject(error);
      });
    });
    if (options.signal.aborted) onAbort();
  });
}

/** Keeps a path of the access URL, for servers below one. */
export function rpcUrl(base: string): URL {
  const url = new URL(base);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v2/workspaceagents/me/rpc`;
  url.search = "";
  url.hash = "";
  return url;
}

async function refusal(response: IncomingMessage): Promise<RefusedError> {
  let body = "";
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  const status = response.statusCode ?? 0;
  return new RefusedError(status, `The server answered ${status}${messageOf(body)}`);
}

function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed)
      return `: ${String(parsed.message)}`;
  } catch {
    // A proxy's page, most likely.
  }
  return ".";
}
