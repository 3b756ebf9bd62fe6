import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { uResponseNotFound } from "@connectrpc/connect/protocol";
import { MuxError } from "../errors.ts";
import type { MuxStream } from "../stream.ts";
import { bodyOf, encodeHead, parseRequestHead, readHead } from "./head.ts";
import { defaultMaxMessageBytes } from "./transport.ts";
import { writeBody } from "./write-body.ts";

/** The procedures that one end serves; made once, used for every stream. */
export type RpcHandlers = {
  find(path: string, maxMessageBytes?: number): UniversalHandler | undefined;
};

export type RpcHandlersOptions = {
  interceptors?: Interceptor[];
  /** Largest message in either direction. Default 16 MiB. */
  maxMessageBytes?: number;
  /** Deadlines beyond this are refused. */
  maxTimeoutMs?: number;
};

/**
 * ```ts
 * const handlers = createRpcHandlers((router) => router.service(AgentService, { ping: () => ({}) }));
 * createSession(carrier, { role: "acceptor", onStream: (stream) => serveRpc(stream, handlers) });
 * ```
 */
export function createRpcHandlers(
  routes: (router: ConnectRouter) => void,
  options: RpcHandlersOptions = {},
): RpcHandlers {
  const ownMaxBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const byPath = (maxBytes: number) => {
    const router = createConnectRouter({
      grpc: false,
      grpcWeb: false,
      interceptors: options.interceptors ?? [],
      readMaxBytes: maxBytes,
      writeMaxBytes: maxBytes,
      ...(options.maxTimeoutMs === undefined ? {} : { maxTimeoutMs: options.maxTimeoutMs }),
    });
    routes(router);
    return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  };
  // Connect fixes the limit when a handler is made; callers use one or two values.
  const maps = new Map([[ownMaxBytes, byPath(ownMaxBytes)]]);
  return {
    find(path, maxMessageBytes = ownMaxBytes) {
      let map = maps.get(maxMessageBytes);
      if (map === undefined) {
        map = byPath(maxMessageBytes);
        maps.set(maxMessageBytes, map);
      }
      return map.get(path);
    },
  };
}

export type ServeRpcOptions = {
  contextValues?: ContextValues;
  /** Ends the call, for instance when the access it rests on is withdrawn. */
  signal?: AbortSignal;
  /** Overrides the limit of the handlers for this peer. */
  maxMessageBytes?: number;
};

/** Serves the one call of this stream. The handler's `ctx.signal` aborts when the stream closes before its answer. */
export function serveRpc(stream: MuxStream, handlers: RpcHandlers, options: ServeRpcOptions = {}): void {
  const gone = new AbortController();
  stream.once("close", () => {
    gone.abort(stream.errored ?? new MuxError("stream_gone", "The call was closed before its answer."));
    options.signal?.removeEventListener("abort", onAbort);
  });
  const onAbort = () => stream.reset("canceled", "The call was ended by the other side.");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();

  serve(stream, handlers, options, gone.signal).catch((err) => {
    stream.destroy(err instanceof Error ? err : new Error(String(err)));
  });
}

async function serve(
  stream: MuxStream,
  handlers: RpcHandlers,
  options: ServeRpcOptions,
  signal: AbortSignal,
): Promise<void> {
  const chunks: AsyncIterator<Buffer> = stream.iterator({ destroyOnReturn: false });
  const request = await readHead(chunks);
  if (request === undefined) throw new MuxError("protocol_error", "The call ended before its head.");
  const { path, method, header } = parseRequestHead(request.head);

  const handler = handlers.find(path, options.maxMessageBytes);
  const response: UniversalServerResponse =
    handler === undefined
      ? uResponseNotFound
      : await handler({
          httpVersion: "2.0",
          url: `http://mux${path}`,
          method,
          header: new Headers(header),
          body: bodyOf(request.rest, chunks),
          signal,
          ...(options.contextValues === undefined ? {} : { contextValues: options.contextValues }),
        });
  if (stream.destroyed) return;

  stream.write(encodeHead({ status: response.status, header: [...(response.header ?? [])] }));
  if (response.body !== undefined) await writeBody(stream, response.body);
  if (stream.destroyed) return;
  stream.end(() => {
    // The handler may answer without having read the whole request. The answer is on its way and will be read
    // to its end; the reset only tells the client to send no more.
    if (!stream.readableEnded && !stream.destroyed) stream.reset("canceled");
  });
}
