import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { Carrier } from "../carrier.ts";
import { memoryCarrierPair } from "../memory-carrier.ts";
import { createSession, type Session, type SessionOptions } from "../session.ts";
import type { MuxStream } from "../stream.ts";
import { webSocketCarrier } from "../web-socket-carrier.ts";
import { SUBPROTOCOL, tunnelServerOptions, tunnelSocketOptions } from "../web-socket-options.ts";

export type SessionPair = {
  dialer: Session;
  acceptor: Session;
  carriers: [Carrier, Carrier];
  /** The next stream that the acceptor was given. */
  nextStream(): Promise<MuxStream>;
};

type PairOptions = Partial<SessionOptions> & { acceptorOptions?: Partial<SessionOptions> };

export const noMeta = new Uint8Array();

/** Two sessions joined in memory. */
export function sessionPair({ acceptorOptions, ...options }: PairOptions = {}): SessionPair {
  const [left, right] = memoryCarrierPair();
  const inbox = streamInbox();
  const acceptor = createSession(right, {
    onStream: inbox.onStream,
    ...options,
    ...acceptorOptions,
    role: "acceptor",
  });
  const dialer = createSession(left, { ...options, role: "dialer" });
  return { dialer, acceptor, carriers: [left, right], nextStream: inbox.next };
}

export function streamInbox() {
  const arrived: MuxStream[] = [];
  const waiting: ((stream: MuxStream) => void)[] = [];
  return {
    onStream(stream: MuxStream): void {
      const waiter = waiting.shift();
      if (waiter === undefined) arrived.push(stream);
      else waiter(stream);
    },
    next(): Promise<MuxStream> {
      const stream = arrived.shift();
      if (stream !== undefined) return Promise.resolve(stream);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

export type Tunnel = { url: string; close(): Promise<void> };

/** A WebSocket server on loopback; `onSocket` runs in the turn in which the socket opens. */
export async function listenTunnel(onSocket: (ws: WebSocket) => void): Promise<Tunnel> {
  const server = createServer();
  const sockets = new WebSocketServer({ ...tunnelServerOptions, server });
  const open = new Set<WebSocket>();
  sockets.on("connection", (ws) => {
    open.add(ws);
    ws.on("close", () => open.delete(ws));
    onSocket(ws);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const ws of open) ws.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

export function dialTunnel(url: string): WebSocket {
  return new WebSocket(url, SUBPROTOCOL, tunnelSocketOptions(url));
}

/** Two sessions over a real WebSocket. */
export async function webSocketPair(
  options: PairOptions = {},
): Promise<SessionPair & { close(): Promise<void>; sockets: [WebSocket, WebSocket] }> {
  const { acceptorOptions, ...both } = options;
  const inbox = streamInbox();
  const { promise, resolve } = Promise.withResolvers<[WebSocket, Carrier, Session]>();
  const tunnel = await listenTunnel((ws) => {
    const carrier = webSocketCarrier(ws);
    const session = createSession(carrier, {
      onStream: inbox.onStream,
      ...both,
      ...acceptorOptions,
      role: "acceptor",
    });
    resolve([ws, carrier, session]);
  });
  const ws = dialTunnel(tunnel.url);
  const carrier = webSocketCarrier(ws);
  const dialer = createSession(carrier, { ...both, role: "dialer" });
  const [serverWs, serverCarrier, acceptor] = await promise;
  return {
    dialer,
    acceptor,
    carriers: [carrier, serverCarrier],
    sockets: [ws, serverWs],
    nextStream: inbox.next,
    async close() {
      dialer.close();
      acceptor.close();
      await tunnel.close();
    },
  };
}
