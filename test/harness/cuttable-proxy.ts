import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can be taken away, as a network is when a lid closes. */
export type CuttableProxy = {
  url: string;
  /** Where connections go; may be set once the server is there. */
  target: string;
  /** Ends what is open, without a word, and lets nothing through. */
  cut(): void;
  mend(): void;
  /** Attempts to come through since the last cut. */
  readonly refused: number;
  close(): Promise<void>;
};

export async function startCuttableProxy(target = ""): Promise<CuttableProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let refused = 0;
  const server = createServer((inner) => {
    if (isCut) {
      refused += 1;
      inner.resetAndDestroy();
      return;
    }
    const { hostname, port } = new URL(proxy.target);
    const outer = connect(Number(port), hostname);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {}); // A cut one: `close` follows.
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP listener has a port.");
  const endAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const proxy: CuttableProxy = {
    url: `http://127.0.0.1:${address.port}`,
    target,
    cut() {
      isCut = true;
      refused = 0;
      endAll();
    },
    mend() {
      isCut = false;
    },
    get refused() {
      return refused;
    },
    async close() {
      server.close();
      endAll();
      await once(server, "close");
    },
  };
  return proxy;
}
