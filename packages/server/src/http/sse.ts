import { once } from "node:events";
import type { AnyRoute } from "@slipway/api";
import type { RouteRequest } from "./register-route.ts";

const pingEveryMs = 15_000;
/** What a client that reads nothing may leave in our memory before it is cut off. */
const maxBufferedBytes = 4 * 1024 * 1024;

export type SseStream = {
  /** Sends one event. Data is written as JSON. A client that reconnects names the last id it saw. */
  send(event: "data" | "error", data: unknown, id?: number): void;
  /** Resolves once the client has room for more, or the stream has ended: for streams longer than a buffer. */
  hasRoom(): Promise<void>;
  /** Ends the stream in order. */
  end(): void;
  /** Aborted when the client is gone or the stream was ended. */
  signal: AbortSignal;
};

/**
 * Answers with a stream of server-sent events, with a ping every 15 s. The handler returns `handled`.
 *
 * @example
 * const stream = sseStream(req);
 * const stop = events.subscribe("workspace", id, () => stream.send("data", …));
 * stream.signal.addEventListener("abort", stop);
 * return handled;
 */
export function sseStream(req: Pick<RouteRequest<AnyRoute>, "reply" | "signal">): SseStream {
  const { reply, signal } = req;
  const ended = new AbortController();
  const res = reply.raw;
  reply.hijack();
  res.writeHead(200, {
    // A hijacked reply does not write the headers that hooks have set.
    ...(reply.getHeaders() as Record<string, string>),
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    // Proxies of the nginx family would collect events before they pass them on.
    "X-Accel-Buffering": "no",
  });
  res.flushHeaders();

  function write(text: string): void {
    if (ended.signal.aborted) return;
    res.write(text);
    if (res.writableLength > maxBufferedBytes) stop(true);
  }

  function stop(broken: boolean): void {
    if (ended.signal.aborted) return;
    clearInterval(ping);
    signal.removeEventListener("abort", onAbort);
    if (broken) res.destroy();
    else res.end();
    ended.abort();
  }

  const onAbort = () => stop(false);
  const ping = setInterval(() => write("event: ping\ndata: null\n\n"), pingEveryMs);
  signal.addEventListener("abort", onAbort);
  res.once("close", () => stop(true));

  return {
    send: (event, data, id) =>
      write(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    async hasRoom() {
      if (!res.writableNeedDrain || ended.signal.aborted) return;
      // Rejected only when the stream has ended: then there is nothing more to wait for.
      await once(res, "drain", { signal: ended.signal }).catch(() => {});
    },
    end: () => stop(false),
    signal: ended.signal,
  };
}
