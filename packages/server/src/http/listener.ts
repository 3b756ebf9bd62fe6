import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { parseAddress } from "../config/option.ts";
import type { TlsFiles } from "./tls-files.ts";

export type RequestHandler = {
  request(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
};

export type Listener = {
  /** How this machine reaches it, such as `http://127.0.0.1:3000`. */
  url: string;
  /** What it is bound to, such as `http://0.0.0.0:3000` for all interfaces. */
  boundUrl: string;
  /** Hands all requests on, those included that came before. */
  serve(handler: RequestHandler): void;
  /** Takes no new connections, waits for running requests up to the limit, and then cuts them off. */
  close(graceMs: number): Promise<void>;
};

/**
 * Binds an address. Requests that arrive before `serve` wait for it: the address is taken, and its port
 * known, before anything else of the server starts.
 */
export async function listen(address: string, tls?: TlsFiles): Promise<Listener> {
  const target = parseAddress(address);
  if (!target) throw new Error(`${address} is not an address of the form host:port.`);
  const server = tls ? createTlsServer(tls.options) : createServer();
  const ready = Promise.withResolvers<RequestHandler>();
  server.on("request", (req, res) => void ready.promise.then((handler) => handler.request(req, res)));
  server.on("upgrade", (req, socket, head) => {
    void ready.promise.then((handler) => handler.upgrade(req, socket, head));
  });
  // Slow senders of headers are cut off; bodies and answers may take their time.
  server.headersTimeout = 20_000;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  await bind(server, target.host, target.port, address);
  const stopReloading = tls?.onChange((options) => {
    if ("setSecureContext" in server) server.setSecureContext(options);
  });
  const scheme = tls ? "https" : "http";
  const bound = server.address() as AddressInfo; // It listens on TCP.
  return {
    url: `${scheme}://${hostOf({ ...bound, address: reachable(bound.address) })}`,
    boundUrl: `${scheme}://${hostOf(bound)}`,
    serve: ready.resolve,
    async close(graceMs) {
      stopReloading?.();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function bind(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (err: NodeJS.ErrnoException) => {
      const reason =
        err.code === "EADDRINUSE"
          ? "another program listens there. Stop it, or choose another address with --http-address."
          : err.message;
      reject(new Error(`Cannot listen on ${address}: ${reason}`, { cause: err }));
    });
    server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
  });
}

const hostOf = ({ address, family, port }: AddressInfo) =>
  `${family === "IPv6" ? `[${address}]` : address}:${port}`;

const reachable = (address: string) =>
  address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
