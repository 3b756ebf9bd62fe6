import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { AnyRoute } from "@slipway/api";
import { type WebSocket, WebSocketServer } from "ws";
import { buildVersion } from "../deployment/version.ts";
import { ApiError } from "./api-error.ts";
import type { App } from "./app.ts";
import { closeSocket } from "./close-socket.ts";
import { handled, type RouteOptions, type RouteRequest, registerRoute } from "./register-route.ts";
import { createOriginCheck } from "./request-origin.ts";

const heartbeatMs = 15_000;
const closeGraceMs = 1_000;
const defaultMaxPayloadBytes = 1024 * 1024;

type Upgrade = { socket: Duplex; head: Buffer };

type UpgradeState = {
  isOwnOrigin: (req: IncomingMessage) => boolean;
  pending: WeakMap<IncomingMessage, Upgrade>;
  /** Open sockets, and whether each has answered since the last heartbeat; `null` for those without one. */
  open: Map<WebSocket, { alive: boolean } | null>;
};

const states = new WeakMap<App, UpgradeState>();

/**
 * Lets requests to upgrade take the way of all requests: they are routed, authenticated and refused like
 * any other, and become a WebSocket only when a handler calls `acceptWebSocket`.
 */
export function acceptUpgrades(app: App): void {
  const state: UpgradeState = {
    isOwnOrigin: createOriginCheck(app.steps.deps.config),
    pending: new WeakMap(),
    open: new Map(),
  };
  states.set(app, state);
  const heartbeat = setInterval(() => beat(state), heartbeatMs);
  heartbeat.unref();
  app.addHook("preClose", async () => {
    clearInterval(heartbeat);
    for (const socket of state.open.keys()) socket.close(1001, "The server is stopping.");
  });
  app.addHook("onClose", async () => {
    await Promise.all(Array.from(state.open.keys(), ended));
  });
}

/** Gives a socket a moment for the closing handshake, then ends it. */
function ended(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.terminate(), closeGraceMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What a listener does with requests to upgrade. */
export function upgradeListener(app: App): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (req, socket, head) => {
    socket.on("error", () => socket.destroy());
    stateOf(app).pending.set(req, { socket, head });
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    // The socket of an upgrade request is the net.Socket of its connection.
    res.assignSocket(socket as Socket);
    res.on("finish", () => socket.end());
    app.routing(req, res);
  };
}

/**
 * Ends sockets that did not answer the last ping and asks the others again: one timer for all of them. The answer of
 * one that waits for room, such as a terminal whose program reads no input, is not read before that: whether anybody is
 * there, the network says meanwhile.
 */
function beat(state: UpgradeState): void {
  for (const [socket, health] of state.open) {
    if (!health) continue;
    const { isPaused } = socket;
    if (!health.alive && !isPaused) socket.terminate();
    else if (socket.readyState === socket.OPEN) {
      health.alive = isPaused;
      socket.ping();
    }
  }
}

/** A page of another site must not open WebSockets with its visitor's cookies. */
export function requireOwnOrigin(app: App, req: IncomingMessage): void {
  const state = stateOf(app);
  if (!state.pending.has(req) || state.isOwnOrigin(req)) return;
  throw new ApiError("forbidden", "Pages of another origin may not open connections here.");
}

export type WebSocketOptions = {
  subprotocol?: string;
  maxPayloadBytes?: number;
  /** Off for protocols that watch over their connection themselves. */
  heartbeat?: boolean;
  /**
   * Called in the very turn in which the socket opens. Whoever reads what the client sends listens, or pauses the
   * socket, here: after an `await` the first messages may have passed already.
   */
  onOpen?: (socket: WebSocket) => void;
};

/**
 * Turns the request into a WebSocket. The handler then returns `handled`. A request that did not ask for
 * it is refused with 426.
 */
export function acceptWebSocket(
  app: App,
  req: Pick<RouteRequest<AnyRoute>, "raw" | "reply" | "requestId">,
  options: WebSocketOptions = {},
): Promise<WebSocket> {
  const state = stateOf(app);
  const upgrade = state.pending.get(req.raw.raw);
  if (!upgrade) {
    throw new ApiError("upgrade_required", "This route is a WebSocket. Connect with one.", {
      headers: { Connection: "Upgrade", Upgrade: "websocket" },
    });
  }
  state.pending.delete(req.raw.raw);
  req.reply.hijack();
  // The response would otherwise hold on to a socket that is not HTTP any more.
  req.reply.raw.detachSocket(req.raw.raw.socket);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: options.maxPayloadBytes ?? defaultMaxPayloadBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      options.subprotocol && offered.has(options.subprotocol) ? options.subprotocol : false,
  });
  server.on("headers", (headers) => {
    headers.push(`X-Coder-Request-Id: ${req.requestId}`, `X-Coder-Build-Version: ${buildVersion}`);
  });
  return new Promise((resolve, reject) => {
    // An invalid handshake is answered by the library, which then ends the socket.
    const onClose = () => reject(new Error("The connection ended before it was upgraded."));
    upgrade.socket.once("close", onClose);
    server.handleUpgrade(req.raw.raw, upgrade.socket, upgrade.head, (socket) => {
      // It would keep the whole request in memory for as long as the socket is open.
      upgrade.socket.off("close", onClose);
      watch(state, socket, options.heartbeat ?? true);
      options.onOpen?.(socket);
      resolve(socket);
    });
  });
}

function watch(state: UpgradeState, socket: WebSocket, heartbeat: boolean): void {
  const health = heartbeat ? { alive: true } : null;
  state.open.set(socket, health);
  if (health) socket.on("pong", () => (health.alive = true));
  socket.on("error", () => socket.terminate());
  socket.on("close", () => state.open.delete(socket));
}

function stateOf(app: App): UpgradeState {
  const state = states.get(app);
  if (!state) throw new Error("The application does not accept upgrades.");
  return state;
}

/**
 * Adds a route that is a WebSocket and nothing else. Authentication, limits and refusals happen before the
 * upgrade and are answered as JSON. When the handler throws, the socket is closed with the reason.
 */
export function registerWebSocketRoute<R extends AnyRoute>(
  app: App,
  route: R,
  handler: (req: RouteRequest<R>, socket: WebSocket) => Promise<void> | void,
  options: RouteOptions & WebSocketOptions = {},
): void {
  registerRoute(
    app,
    route,
    async (req) => {
      const socket = await acceptWebSocket(app, req, options);
      try {
        await handler(req, socket);
      } catch (err) {
        closeWithError(socket, err, app);
      }
      return handled;
    },
    options,
  );
}

/** Closes with what the client may know, and logs what it may not. */
export function closeWithError(socket: WebSocket, err: unknown, app: App): void {
  if (err instanceof ApiError) {
    closeSocket(socket, 1008, err.message);
    return;
  }
  app.steps.deps.log.error({ err }, "a WebSocket handler failed");
  socket.close(1011, "An internal error occurred.");
}
