import { type Carrier, dialCarrier, webSocketUrl } from "@slipway/mux";
import type { ClientOptions } from "ws";

export type DialOptions = {
  url: string;
  token: string;
  version: string;
  /** Proxy agent, certificate authorities and the like, from whoever knows the environment. */
  socketOptions?: ((url: URL) => ClientOptions) | undefined;
  signal: AbortSignal;
};

/** Opens the one connection of the agent; rejects as `dialCarrier` does. */
export function dialServer(options: DialOptions): Promise<Carrier> {
  const url = webSocketUrl(options.url, "/api/v2/workspaceagents/me/rpc");
  return dialCarrier(url, {
    headers: { "Coder-Session-Token": options.token, "X-Coder-Build-Version": options.version },
    socketOptions: options.socketOptions?.(url),
    signal: options.signal,
  });
}
