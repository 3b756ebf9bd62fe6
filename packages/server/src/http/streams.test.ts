import { createClient, defineRoute } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { ApiError } from "./api-error.ts";
import { type App, createApp } from "./app.ts";
import { type Listener, listen } from "./listener.ts";
import { handled, registerRoute } from "./register-route.ts";
import { sseStream } from "./sse.ts";
import { registerWebSocketRoute, upgradeListener } from "./websocket-route.ts";

const base = { method: "GET", tag: "Test", summary: "Test", auth: "user" } as const;
const echo = defineRoute({
  ...base,
  operationId: "echo",
  path: "/echo",
  responses: { 101: null },
  stream: "websocket",
});
const failing = defineRoute({
  ...base,
  operationId: "failing",
  path: "/failing",
  responses: { 101: null },
  stream: "websocket",
});
const ticks = defineRoute({
  ...base,
  operationId: "ticks",
  path: "/ticks",
  query: z.object({ count: z.string() }),
  responses: { 200: null },
  stream: "sse",
});

let server: TestServer;
let app: App;
let listener: Listener;
const gone: string[] = [];
beforeAll(async () => {
  server = await testServer();
  app = createApp({ deps: server.deps });
  registerWebSocketRoute(
    app,
    echo,
    (req, socket) => {
      socket.on("message", (data) => socket.send(`${req.auth.user.username}: ${data}`));
      req.signal.addEventListener("abort", () => gone.push(req.requestId));
    },
    { subprotocol: "echo.v1", maxPayloadBytes: 64 },
  );
  registerWebSocketRoute(app, failing, async (_req, socket) => {
    socket.send("about to fail");
    throw new ApiError("gone", "The thing that was watched is gone.");
  });
  registerRoute(app, ticks, async (req) => {
    const stream = sseStream(req);
    for (let tick = 1; tick <= Number(req.query.count); tick++) stream.send("data", { tick });
    stream.end();
    return handled;
  });
  await app.ready();
  listener = await listen("127.0.0.1:0");
  listener.serve({ request: app.routing, upgrade: upgradeListener(app) });
});
afterAll(async () => {
  await Promise.all([listener.close(500), app.close()]);
  await server.close();
});

function open(path: string, options: { token?: string; subprotocol?: string } = {}): WebSocket {
  const { token = server.owner.token, subprotocol } = options;
  const url = `${listener.url.replace("http", "ws")}/api/v2${path}`;
  return new WebSocket(url, subprotocol ? [subprotocol] : [], { headers: { "Coder-Session-Token": token } });
}

/** Status and body with which an upgrade was refused. */
function refused(socket: WebSocket): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    socket.on("open", () => reject(new Error("The connection was not refused.")));
    socket.on("unexpected-response", async (_, res) => {
      const chunks = await res.toArray();
      resolve({ status: res.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) });
    });
  });
}

const closed = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
  );
const message = (socket: WebSocket) =>
  new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));

describe("a WebSocket", () => {
  test("knows its caller, speaks its protocol and tells when the client is gone", async () => {
    const socket = open("/echo", { subprotocol: "echo.v1" });
    await new Promise((resolve) => socket.on("open", resolve));
    expect(socket.protocol).toBe("echo.v1");
    const answer = message(socket);
    socket.send("hello");
    expect(await answer).toBe("owner: hello");
    const before = gone.length;
    socket.close();
    await closed(socket);
    await vi.waitFor(() => expect(gone.length).toBe(before + 1), { timeout: 10_000 });
  });

  test("is refused as JSON before anything is upgraded", async () => {
    expect(await refused(open("/echo", { token: "wrong" }))).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining("malformed") },
    });
    expect(await refused(open("/nowhere"))).toMatchObject({
      status: 404,
      body: { message: "Route not found." },
    });
  });

  test("is asked for: an ordinary request is told so", async () => {
    const res = await fetch(`${listener.url}/api/v2/echo`, {
      headers: { "Coder-Session-Token": server.owner.token },
    });
    expect(res.status).toBe(426);
    expect(await res.json()).toEqual({ message: "This route is a WebSocket. Connect with one." });
  });

  test("stays while it waits for room, however long, and ends when its client is gone", async () => {
    // The timer of the heartbeat alone is ours: it is made with the application.
    vi.useFakeTimers({ toFake: ["setInterval"] });
    const own = createApp({ deps: server.deps });
    const sockets: WebSocket[] = [];
    registerWebSocketRoute(own, echo, (_req, socket) => {
      sockets.push(socket);
      socket.on("message", (data) => socket.send(String(data)));
      socket.pause();
    });
    await own.ready();
    const way = await listen("127.0.0.1:0");
    way.serve({ request: own.routing, upgrade: upgradeListener(own) });
    try {
      const client = new WebSocket(`${way.url.replace("http", "ws")}/api/v2/echo`, {
        headers: { "Coder-Session-Token": server.owner.token },
        autoPong: false,
      });
      const pings: (() => void)[] = [];
      client.on("ping", () => pings.shift()?.());
      const beat = () =>
        new Promise<void>((resolve) => {
          pings.push(resolve);
          vi.advanceTimersByTime(15_000);
        });
      await new Promise((resolve) => client.on("open", resolve));
      await expect.poll(() => sockets.length, { timeout: 10_000 }).toBe(1);
      for (let beats = 0; beats < 3; beats++) await beat();
      client.send("hello");
      const answer = message(client);
      sockets[0]?.resume();
      expect(await answer).toBe("hello");
      // It reads again, and its client answers no more.
      const end = closed(client);
      await beat();
      vi.advanceTimersByTime(15_000);
      expect((await end).code).toBe(1006);
    } finally {
      vi.useRealTimers();
      await Promise.all([way.close(500), own.close()]);
    }
  });

  test("ends when its messages are too long", async () => {
    const socket = open("/echo");
    await new Promise((resolve) => socket.on("open", resolve));
    socket.on("error", () => {});
    const end = closed(socket);
    socket.send("x".repeat(65));
    expect((await end).code).toBe(1009);
  });

  test("tells the reason when its handler fails", async () => {
    const socket = open("/failing");
    expect(await message(socket)).toBe("about to fail");
    expect(await closed(socket)).toEqual({ code: 1008, reason: "The thing that was watched is gone." });
  });
});

describe("a stream of events", () => {
  test("arrives in order and ends", async () => {
    const client = createClient({ url: listener.url, token: server.owner.token });
    const received: unknown[] = [];
    for await (const event of client.events(ticks, { query: { count: "3" } })) received.push(event);
    expect(received).toMatchObject(
      [1, 2, 3].map((tick) => ({ event: "data", data: JSON.stringify({ tick }) })),
    );
  });
});

test("open connections are told that the server stops", async () => {
  const own = createApp({ deps: server.deps });
  registerWebSocketRoute(own, echo, () => {});
  await own.ready();
  const other = await listen("127.0.0.1:0");
  other.serve({ request: own.routing, upgrade: upgradeListener(own) });
  const socket = new WebSocket(`${other.url.replace("http", "ws")}/api/v2/echo`, {
    headers: { "Coder-Session-Token": server.owner.token },
  });
  await new Promise((resolve) => socket.on("open", resolve));
  const end = closed(socket);
  await Promise.all([other.close(500), own.close()]);
  expect(await end).toEqual({ code: 1001, reason: "The server is stopping." });
});
