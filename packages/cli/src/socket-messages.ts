import { on } from "node:events";
import type { Cli } from "./cli.ts";
import { webSocketNetwork } from "./http-fetch.ts";

const maxMessageBytes = 16 * 1024 * 1024;
const handshakeTimeoutMs = 30_000;

/**
 * The text messages of a server's WebSocket, until either side closes it. A slow reader slows the sender: only a
 * few messages are kept. `onClose` hears how it was closed.
 */
export async function* socketMessages(
  cli: Cli,
  address: { url: string; headers: Record<string, string> },
  signal: AbortSignal,
  onClose: (code: number) => void = () => {},
): AsyncGenerator<string> {
  const [{ WebSocket }, network] = await Promise.all([import("ws"), webSocketNetwork(cli.env, address.url)]);
  signal.throwIfAborted();
  const socket = new WebSocket(address.url, {
    headers: address.headers,
    maxPayload: maxMessageBytes,
    handshakeTimeout: handshakeTimeoutMs,
    ...network,
  });
  socket.once("close", onClose);
  try {
    // An `error` event ends the loop by throwing; sockets can be paused and resumed as `on` wants it.
    const messages = on(socket, "message", {
      close: ["close"],
      highWaterMark: 1024,
      lowWaterMark: 64,
      signal,
    });
    for await (const [data] of messages) yield String(data);
  } finally {
    socket.on("error", () => {}); // What goes wrong from here on is of no interest: nobody listens any more.
    socket.terminate();
  }
}
