import { collectDefaultMetrics, type Registry } from "prom-client";
import { type Listener, listen } from "../http/listener.ts";

/** Serves `/metrics` on an address of its own: it needs no key, and is nobody's business outside. */
export async function serveMetrics(address: string, registry: Registry): Promise<Listener> {
  collectDefaultMetrics({ register: registry });
  const listener = await listen(address);
  listener.serve({
    request: (req, res) => {
      if (req.url?.split("?", 1)[0] !== "/metrics") return void res.writeHead(404).end();
      void registry.metrics().then(
        (text) => res.writeHead(200, { "Content-Type": registry.contentType }).end(text),
        () => res.writeHead(500).end(),
      );
    },
    upgrade: (_, socket) => socket.destroy(),
  });
  return listener;
}
