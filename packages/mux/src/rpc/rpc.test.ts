import { once } from "node:events";
import {
  Code,
  ConnectError,
  createClient,
  createContextKey,
  createContextValues,
  type ServiceImpl,
} from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { EchoService } from "../testing/echo-service.ts";
import { noMeta, type SessionPair, sessionPair, webSocketPair } from "../testing/session-pair.ts";
import { createRpcHandlers, serveRpc } from "./serve.ts";
import { createMuxTransport } from "./transport.ts";

type Impl = Partial<ServiceImpl<typeof EchoService>>;
const who = createContextKey("nobody");

function echo(impl: Impl, options: { maxMessageBytes?: number } = {}) {
  const handlers = createRpcHandlers((router) => router.service(EchoService, impl), options);
  const contextValues = createContextValues().set(who, "peer");
  const pair = sessionPair({ onStream: (stream) => serveRpc(stream, handlers, { contextValues }) });
  const client = createClient(
    EchoService,
    createMuxTransport({ open: () => pair.dialer.open(noMeta), maxMessageBytes: 64 * 1024 * 1024 }),
  );
  return { ...pair, client };
}

async function* each(...values: string[]) {
  for (const value of values) yield { value };
}

async function allClosed(pair: SessionPair) {
  while (pair.dialer.openStreams + pair.acceptor.openStreams > 0) await new Promise(setImmediate);
}

describe("calls over mux streams", () => {
  test("unary, with headers, trailers and context values", async () => {
    const pair = echo({
      unary(request, context) {
        context.responseHeader.set("x-who", context.values.get(who));
        context.responseTrailer.set("x-end", "yes");
        return { value: `${request.value} ${context.requestHeader.get("x-lang")}` };
      },
    });
    let header: Headers | undefined;
    let trailer: Headers | undefined;
    const answer = await pair.client.unary(
      { value: "hello" },
      {
        headers: { "x-lang": "en" },
        onHeader: (given) => {
          header = given;
        },
        onTrailer: (given) => {
          trailer = given;
        },
      },
    );
    expect(answer.value).toBe("hello en");
    expect(header?.get("x-who")).toBe("peer");
    expect(trailer?.get("x-end")).toBe("yes");
    await allClosed(pair);
  });

  test("the acceptor calls the dialler just as well", async () => {
    const handlers = createRpcHandlers((router) =>
      router.service(EchoService, { unary: (request) => ({ value: request.value }) }),
    );
    const pair = sessionPair({ onStream: (stream) => serveRpc(stream, handlers) });
    const client = createClient(EchoService, createMuxTransport({ open: () => pair.acceptor.open(noMeta) }));
    expect((await client.unary({ value: "up" })).value).toBe("up");
  });

  test("server, client and bidirectional streaming", async () => {
    const pair = echo({
      async *download(request) {
        for (let i = 0; i < 3; i++) yield { value: `${request.value}${i}` };
      },
      async upload(requests) {
        let value = "";
        for await (const request of requests) value += request.value;
        return { value };
      },
      async *chat(requests) {
        for await (const request of requests) yield { value: request.value.toUpperCase() };
      },
    });
    const downloaded: string[] = [];
    for await (const message of pair.client.download({ value: "d" })) downloaded.push(message.value);
    expect(downloaded).toEqual(["d0", "d1", "d2"]);
    expect((await pair.client.upload(each("a", "b", "c"))).value).toBe("abc");

    // Each answer is awaited before the next question: nothing may wait for the end of the request.
    const questions = ["one", "two", "three"];
    let ask: (() => void) | undefined;
    async function* dialogue() {
      for (const value of questions) {
        const answered = new Promise<void>((resolve) => {
          ask = resolve;
        });
        yield { value };
        await answered;
      }
    }
    const answers: string[] = [];
    for await (const message of pair.client.chat(dialogue())) {
      answers.push(message.value);
      ask?.();
    }
    expect(answers).toEqual(["ONE", "TWO", "THREE"]);
    await allClosed(pair);
  });

  test("large messages both ways, over a real WebSocket", async () => {
    const handlers = createRpcHandlers((router) =>
      router.service(EchoService, { large: (request) => ({ value: request.value }) }),
    );
    const pair = await webSocketPair({ onStream: (stream) => serveRpc(stream, handlers) });
    const client = createClient(EchoService, createMuxTransport({ open: () => pair.dialer.open(noMeta) }));
    const value = new Uint8Array(6 * 1024 * 1024).map((_, i) => i * 31);
    const answer = await client.large({ value });
    expect(Buffer.compare(answer.value, value)).toBe(0);
    await pair.close();
  });

  test("a message over the limit is refused, and the session goes on", async () => {
    const pair = echo({ large: () => ({}), unary: (request) => request }, { maxMessageBytes: 1000 });
    const error = await pair.client.large({ value: new Uint8Array(100_000) }).catch((e) => e);
    expect(ConnectError.from(error).code).toBe(Code.ResourceExhausted);
    expect((await pair.client.unary({ value: "still here" })).value).toBe("still here");
    await allClosed(pair);
  });

  test("errors keep their code and message, also in the middle of a stream", async () => {
    const pair = echo({
      unary: () => {
        throw new ConnectError("no such job", Code.NotFound);
      },
      async *download() {
        yield { value: "first" };
        throw new ConnectError("disk full", Code.DataLoss);
      },
    });
    await expect(pair.client.unary({})).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: "no such job",
    });
    const seen: string[] = [];
    const run = async () => {
      for await (const message of pair.client.download({})) seen.push(message.value);
    };
    await expect(run()).rejects.toMatchObject({ code: Code.DataLoss, rawMessage: "disk full" });
    expect(seen).toEqual(["first"]);
    await expect(pair.client.large({})).rejects.toMatchObject({ code: Code.Unimplemented });
    await allClosed(pair);
  });

  test("an unknown procedure is unimplemented", async () => {
    const handlers = createRpcHandlers(() => {});
    const pair = sessionPair({ onStream: (stream) => serveRpc(stream, handlers) });
    const client = createClient(EchoService, createMuxTransport({ open: () => pair.dialer.open(noMeta) }));
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.Unimplemented });
  });

  test("a deadline ends the call at both ends", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const pair = echo({
      unary: (_request, context) =>
        new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => {
            aborted.resolve(context.signal.reason);
            reject(context.signal.reason);
          });
        }),
    });
    await expect(pair.client.unary({}, { timeoutMs: 500 })).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
    });
    await aborted.promise;
    await allClosed(pair);
  });

  test("the client's abort reaches the handler", async () => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const pair = echo({
      async *download(_request, context) {
        yield { value: "first" };
        started.resolve();
        await once(context.signal, "abort");
        aborted.resolve();
      },
    });
    const controller = new AbortController();
    const run = async () => {
      for await (const _ of pair.client.download({}, { signal: controller.signal }))
        await started.promise.then(() => controller.abort());
    };
    await expect(run()).rejects.toMatchObject({ code: Code.Canceled });
    await aborted.promise;
    await allClosed(pair);
  });

  test("a reader that aborts stops an endless answer", async () => {
    const ended = Promise.withResolvers<void>();
    const pair = echo({
      async *download() {
        try {
          for (;;) yield { value: "x".repeat(1000) };
        } finally {
          ended.resolve();
        }
      },
    });
    const controller = new AbortController();
    const run = async () => {
      for await (const _ of pair.client.download({}, { signal: controller.signal })) controller.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: Code.Canceled });
    await ended.promise;
    await allClosed(pair);
  });

  test("a handler that answers early stops an endless request", async () => {
    const pair = echo({
      async upload(requests) {
        for await (const request of requests) return { value: request.value };
        return { value: "nothing" };
      },
    });
    const stopped = Promise.withResolvers<void>();
    async function* endless() {
      try {
        for (;;) {
          yield { value: "y" };
          await new Promise(setImmediate);
        }
      } finally {
        stopped.resolve();
      }
    }
    expect((await pair.client.upload(endless())).value).toBe("y");
    await stopped.promise;
    await allClosed(pair);
  });

  test("the serving side can end a call by its signal", async () => {
    const access = new AbortController();
    const handlers = createRpcHandlers((router) =>
      router.service(EchoService, {
        unary: (_request, context) => once(context.signal, "abort").then(() => ({ value: "too late" })),
      }),
    );
    const pair = sessionPair({
      onStream: (stream) => {
        serveRpc(stream, handlers, { signal: access.signal });
        setImmediate(() => access.abort());
      },
    });
    const client = createClient(EchoService, createMuxTransport({ open: () => pair.dialer.open(noMeta) }));
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("a lost session makes calls unavailable, on both ends", async () => {
    const gone = Promise.withResolvers<void>();
    const pair = echo({
      unary: async (_request, context) => {
        setImmediate(() => pair.carriers[0].terminate());
        await once(context.signal, "abort");
        gone.resolve();
        return {};
      },
    });
    await expect(pair.client.unary({})).rejects.toMatchObject({ code: Code.Unavailable });
    await gone.promise;
    await expect(pair.client.unary({})).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("garbage instead of a head resets the stream only", async () => {
    const pair = echo({ unary: (request) => request });
    for (const garbage of ["\x00\x00\x00\x04null", "\x00\x00\x00\x03{{{", "\xff\xff\xff\xff", "\x00"]) {
      const stream = pair.dialer.open(noMeta);
      stream.end(Buffer.from(garbage, "latin1"));
      stream.resume();
      await new Promise((resolve) => stream.once("close", resolve));
      expect(stream.errored).toMatchObject({ code: "stream_reset" });
    }
    expect((await pair.client.unary({ value: "fine" })).value).toBe("fine");
  });
});
