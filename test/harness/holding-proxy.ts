import { once } from "node:events";
import { createServer, request } from "node:http";

/** A way to a server that keeps answers of some requests back, so that a test can act while they are under way. */
export type HoldingProxy = {
  url: string;
  /** The next answer to such a request is kept: resolves when the server has given it; `release` hands it on. */
  hold(method: string, path: RegExp): { answered: Promise<void>; release(): void };
  close(): Promise<void>;
};

/** Passes requests on, but no upgrades: whoever follows logs has to ask again. */
export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  type Held = { method: string; path: RegExp; answered(): void; released: Promise<void> };
  const held: Held[] = [];
  const server = createServer((inner, answer) => {
    const at = held.findIndex(({ method, path }) => inner.method === method && path.test(inner.url ?? ""));
    const [hold] = at < 0 ? [] : held.splice(at, 1);
    const outer = request(new URL(inner.url ?? "/", target), {
      method: inner.method,
      headers: { ...inner.headers, host: new URL(target).host },
    });
    outer.on("error", () => answer.destroy());
    outer.on("response", async (response) => {
      hold?.answered();
      await hold?.released;
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    inner.pipe(outer);
  });
  server.on("upgrade", (_, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP listener has a port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    hold(method, path) {
      const answered = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      held.push({ method, path, answered: answered.resolve, released: released.promise });
      return { answered: answered.promise, release: released.resolve };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
