import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type CuttablePostgres = {
  /** Where the database is reached through here. */
  url(databaseUrl: string): Promise<string>;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Keeps all connections and passes nothing on, as a Postgres that is frozen. */
  freeze(): void;
  restore(): Promise<void>;
  close(): Promise<void>;
};

/** A way to Postgres that a test can cut, as a network or a restart does. */
export function cuttablePostgres(): CuttablePostgres {
  const pairs = new Set<[client: Socket, upstream: Socket]>();
  let isFrozen = false;
  let target = { host: "", port: 5432 };
  let port = 0;
  const server = createServer((client) => {
    const upstream = target.host.startsWith("/")
      ? connect(`${target.host}/.s.PGSQL.${target.port}`)
      : connect(target.port, target.host);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    if (!isFrozen) client.pipe(upstream).pipe(client);
  });
  const listen = async () => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    // A TCP server's address is an object.
    port = (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    for (const [client] of pairs) client.destroy();
    await closed;
  };
  return {
    async url(databaseUrl) {
      const parts = /^postgres:\/\/([^@]*)@([^/]*)\/([^?]*)\??(.*)$/.exec(databaseUrl);
      const query = new URLSearchParams(parts?.[4]);
      const [host = "", ownPort = "5432"] = (parts?.[2] ?? "").split(":");
      target = { host: query.get("host") ?? host, port: Number(query.get("port") ?? ownPort) };
      await listen();
      return `postgres://${parts?.[1]}@127.0.0.1:${port}/${parts?.[3]}`;
    },
    cut: stop,
    freeze() {
      isFrozen = true;
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
      }
    },
    async restore() {
      if (!server.listening) await listen();
      if (isFrozen) for (const [client, upstream] of pairs) client.pipe(upstream).pipe(client);
      isFrozen = false;
    },
    close: () => (server.listening ? stop() : Promise.resolve()),
  };
}
