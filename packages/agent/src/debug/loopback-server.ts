import { createServer, type RequestListener, type Server } from "node:http";
import { errorText, type Log } from "../log/log.ts";

/**
 * A small HTTP server for whoever debugs the workspace. Several agents share a host: a port that is taken is said
 * once and done without. An empty address means no server.
 */
export function startLoopbackServer(options: {
  name: string;
  address: string;
  handler: RequestListener;
  log: Log;
}): { close(): void } {
  const { name, address, log } = options;
  const at = address.lastIndexOf(":");
  const port = Number(address.slice(at + 1));
  if (at < 0 || !Number.isInteger(port)) {
    if (address !== "") log.warn({ address }, `the ${name} address is not of the form host:port`);
    return { close() {} };
  }
  const server: Server = createServer(options.handler);
  server.on("error", (error) => log.info({ address, error: errorText(error) }, `no ${name} server`));
  server.listen(port, address.slice(0, at).replace(/^\[|\]$/g, "") || "127.0.0.1");
  server.unref();
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
