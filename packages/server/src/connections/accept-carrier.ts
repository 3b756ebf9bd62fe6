import type { AnyRoute } from "@slipway/api";
import { type Carrier, SUBPROTOCOL, tunnelServerOptions, webSocketCarrier } from "@slipway/mux";
import type { App } from "../http/app.ts";
import type { RouteRequest } from "../http/register-route.ts";
import { acceptWebSocket } from "../http/websocket-route.ts";

/** Upgrades the request to a carrier of the multiplexer, which watches over its connection itself. */
export async function acceptCarrier(
  app: App,
  req: Pick<RouteRequest<AnyRoute>, "raw" | "reply" | "requestId">,
): Promise<Carrier> {
  let carrier: Carrier | undefined;
  const socket = await acceptWebSocket(app, req, {
    subprotocol: SUBPROTOCOL,
    maxPayloadBytes: tunnelServerOptions.maxPayload,
    heartbeat: false,
    onOpen: (opened) => {
      carrier = webSocketCarrier(opened);
    },
  });
  return carrier ?? webSocketCarrier(socket);
}
