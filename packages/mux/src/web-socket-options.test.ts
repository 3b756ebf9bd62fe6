import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { dialTunnel, listenTunnel } from "./testing/session-pair.ts";
import { webSocketCarrier } from "./web-socket-carrier.ts";
import { tunnelSocketOptions, ZERO_MASK } from "./web-socket-options.ts";

test.each([
  ["wss://slipway.example.com/tunnel", true],
  ["https://slipway.example.com", true],
  ["ws://127.0.0.1:3000", true],
  ["ws://localhost:3000", true],
  ["ws://[::1]:3000", true],
  ["ws://slipway.example.com", false],
  ["ws://10.0.0.7", false],
  ["ws://127.0.0.1.example.com", false],
])("%s: mask left out: %s", (url, isLeftOut) => {
  const options = tunnelSocketOptions(url);
  expect(options.perMessageDeflate).toBe(false);
  expect(options.generateMask === ZERO_MASK).toBe(isLeftOut);
});

test("a dialler without our version of the protocol is refused by its own WebSocket", async () => {
  const tunnel = await listenTunnel(() => {});
  const ws = new WebSocket(tunnel.url, "slipway.mux.v99");
  const [error] = await once(ws, "error");
  expect(error.message).toContain("subprotocol");
  await tunnel.close();
});

test("a message that is too large, or text, ends the carrier with its cause", async () => {
  for (const message of [new Uint8Array(100_000), "hello"]) {
    const closed = Promise.withResolvers<Error | undefined>();
    const tunnel = await listenTunnel((ws) => {
      webSocketCarrier(ws).start({ message: () => {}, close: closed.resolve });
    });
    const ws = dialTunnel(tunnel.url);
    ws.on("error", () => {});
    await once(ws, "open");
    ws.send(message);
    expect(await closed.promise).toBeInstanceOf(Error);
    await tunnel.close();
  }
});
