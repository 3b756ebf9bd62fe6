import type { Interceptor, Transport } from "@connectrpc/connect";
import type { UniversalClientRequest, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { MuxError } from "../errors.ts";
import type { MuxStream } from "../stream.ts";
import { bodyOf, encodeHead, parseResponseHead, readHead } from "./head.ts";
import { toConnectError } from "./rpc-error.ts";
import { writeBody } from "./write-body.ts";

export type MuxTransportOptions = {
  /** Opens the stream of one call. May throw; the call then fails as `unavailable`. */
  open: () => MuxStream;
  interceptors?: Interceptor[];
  /** Largest message in either direction. Default 16 MiB. */
  maxMessageBytes?: number;
  defaultTimeoutMs?: number;
};

export const defaultMaxMessageBytes = 16 * 1024 * 1024;

/**
 * A Connect transport, one call per stream. To leave a streaming answer before its end, abort the call's
 * `signal`: Connect does not pass on a `break` out of the loop.
 *
 * ```ts
 * const client = createClient(AgentService, createMuxTransport({ open: () => session.open(meta) }));
 * ```
 */
export function createMuxTransport(options: MuxTransportOptions): Transport {
  const maxBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  return createTransport({
    httpClient: (request) => call(options.open, request),
    // Only the path of a URL reaches the other end.
    baseUrl: "http://mux",
    useBinaryFormat: true,
    interceptors: options.interceptors ?? [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: maxBytes,
    writeMaxBytes: maxBytes,
    ...(options.defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs: options.defaultTimeoutMs }),
  });
}

async function call(
  open: () => MuxStream,
  request: UniversalClientRequest,
): Promise<UniversalClientResponse> {
  const { signal } = request;
  signal?.throwIfAborted();
  let stream: MuxStream;
  try {
    stream = open();
  } catch (err) {
    throw toConnectError(err);
  }
  const onAbort = () => stream.reset("canceled");
  signal?.addEventListener("abort", onAbort, { once: true });
  stream.once("close", () => signal?.removeEventListener("abort", onAbort));
  // The caller's own reason (a deadline, say) beats the reset that it made us send.
  const failure = (err: unknown) => (signal?.aborted ? signal.reason : toConnectError(err));

  try {
    stream.write(
      encodeHead({
        path: new URL(request.url).pathname,
        method: request.method,
        header: [...request.header],
      }),
    );
    // Whatever stops the request shows in the answer: the handler's own error, or the stream's.
    sendRequest(stream, request.body).catch((err) => stream.destroy(err));
    const chunks: AsyncIterator<Buffer> = stream.iterator({ destroyOnReturn: false });
    const answer = await readHead(chunks);
    if (answer === undefined) {
      throw new MuxError("protocol_error", "The other end closed the call without an answer.");
    }
    const { status, header } = parseResponseHead(answer.head);
    return {
      status,
      header: new Headers(header),
      body: answerBody(stream, bodyOf(answer.rest, chunks), failure),
      trailer: new Headers(),
    };
  } catch (err) {
    stream.destroy();
    throw failure(err);
  }
}

async function sendRequest(stream: MuxStream, body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (body !== undefined) await writeBody(stream, body);
  stream.end();
}

async function* answerBody(
  stream: MuxStream,
  body: AsyncIterable<Uint8Array>,
  failure: (err: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (err) {
    throw failure(err);
  } finally {
    // The answer is complete, or nobody wants the rest: a request that is still being sent has no reader.
    if (!stream.writableFinished || !stream.readableEnded) stream.destroy();
  }
}
