import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type Client, health } from "@slipway/api/client";
import type { Cli } from "../cli.ts";
import { webSocketNetwork } from "../http-fetch.ts";

/** Sends one message over a WebSocket that the server sends back. Resolves to the time it was on its way. */
export async function echoOnce(cli: Cli, client: Client, signal: AbortSignal): Promise<number> {
  const address = client.webSocket(health.echoWebsocket);
  const [{ WebSocket }, network] = await Promise.all([import("ws"), webSocketNetwork(cli.env, address.url)]);
  const socket = new WebSocket(address.url, { headers: address.headers, ...network });
  try {
    await once(socket, "open", { signal });
    const text = randomUUID();
    const from = performance.now();
    const answered = once(socket, "message", { signal });
    socket.send(text);
    const [data] = await answered;
    if (String(data) !== text) throw new Error("what came back was not what was sent");
    return performance.now() - from;
  } finally {
    socket.on("error", () => {}); // What goes wrong from here on is of no interest.
    socket.terminate();
  }
}
