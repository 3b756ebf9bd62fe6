import type { ClientOptions, ServerOptions } from "ws";
import { maxMessageBytes } from "./frame.ts";

/** Names the version of the protocol; negotiated as WebSocket subprotocol. */
export const SUBPROTOCOL = "slipway.mux.v1";

/** Give it to `new WebSocket` as `generateMask`: `ws` then skips masking, at both ends. */
export function ZERO_MASK(mask: Buffer): void {
  mask.fill(0);
}

/**
 * Options of the dialling WebSocket: `new WebSocket(url, SUBPROTOCOL, { ...tunnelSocketOptions(url) })`.
 *
 * Masking protects proxies on the way from bytes that a peer chose (RFC 6455, 10.3). Under TLS no proxy
 * reads them and on the loopback interface there is none, so there we save its cost (half the throughput);
 * on plain `ws:` to elsewhere masks stay random.
 */
export function tunnelSocketOptions(url: string | URL): ClientOptions {
  const { protocol, hostname } = new URL(url);
  const isPrivate = protocol === "wss:" || protocol === "https:" || isLoopback(hostname);
  return {
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    skipUTF8Validation: true,
    ...(isPrivate ? { generateMask: ZERO_MASK } : {}),
  };
}

/** Options of the accepting `WebSocketServer`, to be completed with `noServer` or a server. */
export const tunnelServerOptions = {
  perMessageDeflate: false,
  maxPayload: maxMessageBytes,
  clientTracking: false,
  // Without our subprotocol no version was agreed: an empty choice makes the dialler fail at once.
  handleProtocols: (offered: Set<string>) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
} satisfies ServerOptions;

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
