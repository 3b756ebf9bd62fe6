import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type workspaces } from "@slipway/api/client";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import type { Cli } from "../../cli.ts";
import { watchForEnd } from "./watch-workspace.ts";

test.each([
  [{ type: "error", data: { message: "Your access was withdrawn." } }, "Your access was withdrawn."],
  [{ type: "data", data: { latest_build: { id: "b1" } } }, "deleted, or you may not see it any more"],
])("a workspace out of sight is not said to be deleted when that is not known (%#)", async (last, words) => {
  const server = createServer((_request, response) => {
    response.writeHead(404, { "Content-Type": "application/json" });
    response.end(
      JSON.stringify({ message: "Resource not found or you do not have access to this resource" }),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.send(JSON.stringify(last));
    socket.close(1000);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ended = new AbortController();
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const reason = await new Promise<string>((onEnd) => {
      // Of both, only these are used.
      const cli = { env: {}, debug() {} } as unknown as Cli;
      const workspace = { id: "w1", latest_build: { id: "b1" } } as workspaces.Workspace;
      void watchForEnd(cli, createClient({ url }), workspace, { pollMs: 1_000, signal: ended.signal, onEnd });
    });
    expect(reason).toContain(words);
  } finally {
    ended.abort();
    server.close();
    server.closeAllConnections();
  }
});
