import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

export type ConnectProxy = {
  url: string;
  /** What tunnels were asked for, as `host:port`. */
  asked: string[];
  close(): void;
};

/** An HTTP proxy that passes CONNECT on: to what was asked for, or to a port of this machine in its place. */
export async function startConnectProxy(insteadPort?: number): Promise<ConnectProxy> {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, client) => {
    asked.push(request.url ?? "");
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const [toPort, toHost] = insteadPort === undefined ? [Number(port), host] : [insteadPort, "127.0.0.1"];
    const target = connect(toPort, toHost, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(target).pipe(client);
    });
    client.on("error", () => target.destroy());
    target.on("error", () => client.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    // A TCP server's address has a port.
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}
