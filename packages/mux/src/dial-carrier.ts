import type { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket } from "ws";
import type { Carrier } from "./carrier.ts";
import { webSocketCarrier } from "./web-socket-carrier.ts";
import { SUBPROTOCOL, tunnelSocketOptions } from "./web-socket-options.ts";

const HANDSHAKE_TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024;

/** The server, or a proxy before it, answered the upgrade request with an ordinary response. */
export class UpgradeRefusal extends Error {
  override readonly name = "UpgradeRefusal";
  readonly status: number;
  /** What the server says in its error body; null where the answer is not the server's own. */
  readonly said: { message: string; detail: string | undefined } | null;
  /** Where a redirect leads to. */
  readonly location: string | undefined;

  constructor(status: number, said: UpgradeRefusal["said"], location?: string) {
    super(said?.message ?? `The server answered ${status} instead of opening a connection.`);
    this.status = status;
    this.said = said;
    this.location = location;
  }
}

export type DialCarrierOptions = {
  headers: Record<string, string>;
  /** Proxy, certificate authorities and further headers, from whoever knows the environment. */
  socketOptions?: ClientOptions | undefined;
  signal: AbortSignal;
};

/**
 * Opens the WebSocket on which everything else travels. Waits at most 15 s; rejects with an {@link UpgradeRefusal}, the
 * network's error, or the signal's reason.
 */
export async function dialCarrier(url: URL | string, options: DialCarrierOptions): Promise<Carrier> {
  const { signal, socketOptions } = options;
  signal.throwIfAborted();
  const socket = new WebSocket(url, SUBPROTOCOL, {
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...tunnelSocketOptions(url),
    ...socketOptions,
    headers: { ...socketOptions?.headers, ...options.headers },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Carrier>();
  const onAbort = () => {
    reject(signal.reason);
    socket.terminate();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // In this very turn: a frame that comes before anybody listens would be lost.
  socket.once("open", () => resolve(webSocketCarrier(socket)));
  socket.on("error", reject);
  socket.once("unexpected-response", (request, response) => {
    void readRefusal(response).then((refusal) => {
      reject(refusal);
      request.destroy();
    });
  });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

/**
 * The address of a WebSocket route of a server, which may stand below a path.
 *
 * @example
 * webSocketUrl("https://dev.example.com/slipway/", "/api/v2/x"); // wss://dev.example.com/slipway/api/v2/x
 */
export function webSocketUrl(base: string, path: string, query = new URLSearchParams()): URL {
  const url = new URL(base);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  url.search = query.toString();
  url.hash = "";
  return url;
}

async function readRefusal(response: IncomingMessage): Promise<UpgradeRefusal> {
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  return new UpgradeRefusal(response.statusCode ?? 0, parseBody(text), response.headers.location);
}

function parseBody(text: string): UpgradeRefusal["said"] {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("message" in body)) return null;
    const detail = "detail" in body && typeof body.detail === "string" ? body.detail : undefined;
    return { message: String(body.message), detail };
  } catch {
    return null; // A proxy's page, most likely.
  }
}
