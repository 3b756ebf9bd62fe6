import { createServer, type Server, type Socket } from "node:net";
import type { Cli } from "../../cli.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import type { PortForward } from "./parse-forwards.ts";

/** Connections at a time on one port; more wait in the system's queue. */
const maxConnections = 1024;

export type Listening = { address: string; close(): Promise<void> };

/** Listens here and connects there: each connection is a stream of its own, which survives a lost carrier. */
export function forwardTcp(
  cli: Cli,
  tunnel: Tunnel,
  forward: PortForward,
  host: string,
  onUse: (delta: 1 | -1) => void,
): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    onUse(1);
    socket.once("close", () => {
      sockets.delete(socket);
      onUse(-1);
    });
    const stream = tunnel.openResumable({ case: "tcp", value: { host: "", port: forward.remotePort } });
    socket.pipe(stream).pipe(socket);
    // `pipe` alone does not carry destruction.
    socket.on("error", () => stream.destroy());
    socket.once("close", () => {
      if (!stream.writableEnded) stream.destroy();
    });
    stream.on("error", (err) => {
      cli.say(`Connection to port ${forward.remotePort} of the workspace: ${err.message}`);
      socket.destroy();
    });
    stream.once("close", () => {
      if (!socket.writableEnded) socket.destroy();
    });
  });
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: forward.localPort, exclusive: true }, () => {
      resolve({
        address: host.includes(":") ? `[${host}]:${forward.localPort}` : `${host}:${forward.localPort}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
