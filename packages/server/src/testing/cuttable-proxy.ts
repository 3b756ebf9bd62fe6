import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of something, such as Postgres, that a test can take away and give back. */
export type CuttableProxy = {
  host: string;
  port: number;
  /** Ends all connections and takes no new ones. */
  cut(): void;
  /** Keeps all connections and passes nothing on, as something frozen does. */
  freeze(): void;
  restore(): void;
  close(): Promise<void>;
};

export async function startCuttableProxy(open: () => Socket): Promise<CuttableProxy> {
  /** What each passes its data on to. */
  const others = new Map<Socket, Socket>();
  let isCut = false;
  let isFrozen = false;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const target = open();
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      others.set(socket, other);
      if (!isFrozen) socket.pipe(other);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        others.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    host: "127.0.0.1",
    port,
    cut() {
      isCut = true;
      for (const socket of others.keys()) socket.destroy();
    },
    freeze() {
      isFrozen = true;
      for (const [socket, other] of others) socket.unpipe(other);
    },
    restore() {
      isCut = false;
      if (isFrozen) for (const [socket, other] of others) socket.pipe(other);
      isFrozen = false;
    },
    async close() {
      for (const socket of others.keys()) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Opens connections to the Postgres of a URL, which may name a TCP host or the directory of a socket. */
export function postgresSocket(url: { host: string; port: number }): Socket {
  return url.host.startsWith("/") ? connect(`${url.host}/.s.PGSQL.${url.port}`) : connect(url.port, url.host);
}
