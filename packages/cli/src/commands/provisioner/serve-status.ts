import { once } from "node:events";
import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { CliError } from "../../cli-error.ts";

/**
 * Serves `/metrics` and the two questions of an orchestrator. `/healthz` says that the program lives, whether or not
 * its server can be reached at the moment: a daemon must not be killed in the middle of a build for that. `/readyz`
 * says that it is connected.
 */
export async function serveStatus(
  address: string,
  status: { registry: Registry; isConnected(): boolean },
): Promise<{ address: string; close(): Promise<void> }> {
  const at = address.lastIndexOf(":");
  const port = Number(address.slice(at + 1));
  if (at < 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CliError(`--prometheus-address: "${address}" is not of the form host:port.`);
  }
  const server = createServer((req, res) => {
    const answer = (code: number, text: string, type = "text/plain; charset=utf-8") =>
      void res.writeHead(code, { "Content-Type": type }).end(text);
    switch (req.url?.split("?", 1)[0]) {
      case "/metrics":
        status.registry.metrics().then(
          (text) => answer(200, text, status.registry.contentType),
          () => answer(500, "The metrics could not be collected.\n"),
        );
        break;
      case "/healthz":
        answer(200, status.isConnected() ? "ok\n" : "ok, and not connected to the server\n");
        break;
      case "/readyz":
        if (status.isConnected()) answer(200, "ok\n");
        else answer(503, "not connected to the server\n");
        break;
      default:
        answer(404, "There are /metrics, /healthz and /readyz.\n");
    }
  });
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, "$1");
  server.listen(port, host === "" ? undefined : host);
  try {
    await once(server, "listening");
  } catch (err) {
    const why = err instanceof Error ? err.message : String(err);
    throw new CliError(`Cannot listen on --prometheus-address ${address}: ${why}`, { cause: err });
  }
  const bound = server.address();
  return {
    // The port that the system chose, where it was left to it.
    address: typeof bound === "object" && bound !== null ? `${address.slice(0, at)}:${bound.port}` : address,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}
