import { ApiConnectionError, ApiResponseError } from "./client-errors.ts";
import { readBounded } from "./read-bounded.ts";
import type { AnyRoute, BodyInputOf, ParamsOf, QueryOf, SuccessOf } from "./route.ts";
import { routePath } from "./route-path.ts";
import { type ServerSentEvent, serverSentEvents } from "./server-sent-events.ts";

export type ClientOptions = {
  /** Where the deployment is, such as `https://coder.example.com`. */
  url: string;
  /** Sent as `Coder-Session-Token`, and only to `url`. */
  token?: string | undefined;
  headers?: Record<string, string> | undefined;
  fetch?: typeof fetch | undefined;
  userAgent?: string | undefined;
  /** Sees every answer before it is read: version and entitlement headers. */
  onResponse?: ((res: globalThis.Response) => void) | undefined;
  /** How long an ordinary call may take. Streams, uploads and downloads have no limit but their signal. */
  timeoutMs?: number | undefined;
};

export type Upload = { contentType: string; data: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> };

type Field<K extends string, T> = [T] extends [undefined]
  ? unknown
  : Record<never, never> extends T
    ? { [P in K]?: T }
    : { [P in K]: T };

// A body is spelled out even when all its fields are optional.
type BodyField<T> = [T] extends [undefined] ? unknown : undefined extends T ? { body?: T } : { body: T };

export type CallInput<R extends AnyRoute> = Field<"params", ParamsOf<R>> &
  Field<"query", QueryOf<R>> &
  BodyField<BodyInputOf<R>> & {
    /** The raw body of a route that takes bytes. */
    upload?: Upload;
    signal?: AbortSignal | undefined;
  };

type CallArgs<R extends AnyRoute> =
  Record<never, never> extends CallInput<R> ? [input?: CallInput<R>] : [input: CallInput<R>];

export type Client = {
  readonly url: string;
  /** Calls a route and returns the body of its successful answer. Refusals throw `ApiResponseError`. */
  call<R extends AnyRoute>(route: R, ...input: CallArgs<R>): Promise<SuccessOf<R>>;
  /** The same, but returns the whole answer with its body unread: for bytes and text. */
  fetch<R extends AnyRoute>(route: R, ...input: CallArgs<R>): Promise<globalThis.Response>;
  /** Subscribes to a route that streams server-sent events. Ends when the server or the signal does. */
  events<R extends AnyRoute>(route: R, ...input: CallArgs<R>): AsyncGenerator<ServerSentEvent>;
  /** Address and headers with which a WebSocket library opens a route. */
  webSocket<R extends AnyRoute>(
    route: R,
    ...input: CallArgs<R>
  ): { url: string; headers: Record<string, string> };
};

// Not typed by route inside: the public signatures above hold callers to the right fields.
type AnyInput = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  upload?: Upload;
  signal?: AbortSignal | undefined;
};

const maxJsonBytes = 64 * 1024 * 1024;
const maxErrorBytes = 1024 * 1024;

/**
 * A typed client of one deployment.
 *
 * @example
 * const client = createClient({ url: "https://coder.example.com", token });
 * const me = await client.call(users.getUser, { params: { user: "me" } });
 */
export function createClient(options: ClientOptions): Client {
  const doFetch = options.fetch ?? fetch;
  const timeoutMs = options.timeoutMs ?? 60_000;
  const baseUrl = options.url.replace(/\/+$/, "");

  function requestHeaders(): Record<string, string> {
    return {
      ...options.headers,
      ...(options.userAgent ? { "User-Agent": options.userAgent } : {}),
      ...(options.token ? { "Coder-Session-Token": options.token } : {}),
    };
  }

  async function send(route: AnyRoute, input: AnyInput, limitMs: number | undefined) {
    const url = requestUrl(baseUrl, route, input);
    const headers: Record<string, string> = { Accept: acceptedType(route), ...requestHeaders() };
    const init: RequestInit & { duplex?: "half" } = {
      method: route.method,
      headers,
      // Following a redirect would hand the session token to whatever host it names.
      redirect: "manual",
    };
    if (input.upload) {
      headers["Content-Type"] = input.upload.contentType;
      init.body = input.upload.data;
      if (input.upload.data instanceof ReadableStream) init.duplex = "half";
    } else if (input.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(input.body);
    }
    const signals: AbortSignal[] = [];
    if (input.signal) signals.push(input.signal);
    if (limitMs !== undefined) signals.push(AbortSignal.timeout(limitMs));
    if (signals.length > 0) init.signal = AbortSignal.any(signals);
    let res: globalThis.Response;
    try {
      res = await doFetch(url, init);
    } catch (err) {
      // The caller's own cancellation is passed on as it is.
      if (input.signal?.aborted) throw input.signal.reason;
      throw new ApiConnectionError(route.method, url, limitMs, err);
    }
    options.onResponse?.(res);
    if (!res.ok) throw await refusal(route.method, url, res);
    return { res, url };
  }

  async function call(route: AnyRoute, input: AnyInput = {}): Promise<unknown> {
    const { res, url } = await send(route, input, route.upload ? undefined : timeoutMs);
    let text: string;
    try {
      text = await readBounded(res, maxJsonBytes);
    } catch (err) {
      if (input.signal?.aborted) throw input.signal.reason;
      throw new ApiConnectionError(route.method, url, timeoutMs, err);
    }
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (err) {
      throw ApiResponseError.notJson(route.method, url, res, text, err);
    }
  }

  async function* events(route: AnyRoute, input: AnyInput = {}): AsyncGenerator<ServerSentEvent> {
    const { res, url } = await send(route, input, undefined);
    if (!res.headers.get("content-type")?.startsWith("text/event-stream")) {
      throw ApiResponseError.notJson(
        route.method,
        url,
        res,
        await readBounded(res, maxErrorBytes),
        undefined,
      );
    }
    if (res.body) yield* serverSentEvents(res.body);
  }

  function webSocket(route: AnyRoute, input: AnyInput = {}) {
    const url = requestUrl(baseUrl, route, input).replace(/^http/, "ws");
    return { url, headers: requestHeaders() };
  }

  // The implementations take any input; the type `Client` is what ties input and output to the route.
  return {
    url: baseUrl,
    call,
    fetch: async (route: AnyRoute, input: AnyInput = {}) => (await send(route, input, undefined)).res,
    events,
    webSocket,
  } as Client;
}

function acceptedType(route: AnyRoute): string {
  if (route.stream === "sse") return "text/event-stream";
  return route.stream === "bytes" ? "*/*" : "application/json";
}

function requestUrl(baseUrl: string, route: AnyRoute, input: AnyInput): string {
  const path = routePath(route).replace(/:([a-z_]+)/gi, (_, name: string) => {
    const value = input.params?.[name];
    // A dot segment would be resolved away by the URL parser and address another route.
    if (value === undefined || value === "" || value === "." || value === "..") {
      throw new TypeError(
        `${route.operationId}: the parameter "${name}" must not be ${JSON.stringify(value)}.`,
      );
    }
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(input.query ?? {})) {
    for (const part of Array.isArray(value) ? value : [value]) {
      if (part === undefined || part === null) continue;
      search.append(key, typeof part === "object" ? JSON.stringify(part) : String(part));
    }
  }
  const query = search.size > 0 ? `?${search}` : "";
  return `${baseUrl}${path}${query}`;
}

async function refusal(method: string, url: string, res: globalThis.Response): Promise<ApiResponseError> {
  if (res.status >= 300 && res.status < 400) {
    await res.body?.cancel();
    return ApiResponseError.redirected(method, url, res);
  }
  const text = await readBounded(res, maxErrorBytes).catch(() => ""); // The status alone must do then.
  return ApiResponseError.fromText(method, url, res, text);
}
