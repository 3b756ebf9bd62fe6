import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { webSocketNetwork } from "./http-fetch.ts";
import { startConnectProxy } from "./testing/connect-proxy.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

/** A server of WebSockets, and a proxy that passes CONNECT on and counts. */
async function startPeers() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (socket) => socket.send("hello"));
  const proxy = await startConnectProxy();
  closers.push(() => server.close(), proxy.close);
  return {
    // A TCP server's address has a port.
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    proxyUrl: proxy.url,
    tunnels: () => proxy.asked.length,
  };
}

async function greeting(url: string): Promise<string> {
  const socket = new WebSocket(url, await webSocketNetwork(process.env, url));
  const [message] = await once(socket, "message");
  socket.terminate();
  return String(message);
}

test("WebSockets go through the proxy that HTTP_PROXY names", async () => {
  const { url, proxyUrl, tunnels } = await startPeers();
  vi.stubEnv("HTTP_PROXY", proxyUrl);
  vi.stubEnv("NO_PROXY", "");

  expect(await greeting(url)).toBe("hello");
  expect(tunnels()).toBe(1);
});

test("WebSockets go around the proxy where NO_PROXY names their host", async () => {
  const { url, proxyUrl, tunnels } = await startPeers();
  vi.stubEnv("HTTP_PROXY", proxyUrl);
  vi.stubEnv("NO_PROXY", "example.com,127.0.0.1");

  expect(await greeting(url)).toBe("hello");
  expect(tunnels()).toBe(0);
});

test("a proxy for https does not serve plain WebSockets", async () => {
  const { url, proxyUrl } = await startPeers();
  vi.stubEnv("HTTPS_PROXY", proxyUrl);
  vi.stubEnv("NO_PROXY", "");

  expect(await webSocketNetwork(process.env, url)).not.toHaveProperty("agent");
  expect(await webSocketNetwork(process.env, url.replace("ws:", "wss:"))).toHaveProperty("agent");
});
