import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isPostgresAway } from "../db/postgres-errors.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "./api-error.ts";
import type { App } from "./app.ts";
import { createKnownPaths } from "./known-paths.ts";
import { securityHeaders } from "./security-headers.ts";

/** Gives every refusal the documented body: thrown errors, unknown routes, wrong methods. */
export function registerErrorAnswers(app: App, deps: Pick<Deps, "log">): void {
  const known = createKnownPaths();
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) known.add(each, url);
  });

  app.setErrorHandler((err, req, reply) => {
    const refusal = toApiError(err);
    if (refusal.code === "payload_too_large") hearOut(req, reply);
    if (refusal.code === "internal") {
      deps.log.error({ err, requestId: req.id, method: req.method, path: pathOf(req) }, "unexpected error");
    } else if (refusal.code === "unavailable") {
      deps.log.warn({ err, requestId: req.id }, "answered that the service is unavailable");
    }
    return send(reply, refusal);
  });

  app.setNotFoundHandler((req, reply) => {
    const allowed = known.methodsOf(pathOf(req));
    if (allowed.length > 0) {
      const error = new ApiError("method_not_allowed", `${req.method} is not possible here.`, {
        detail: `Allowed: ${allowed.join(", ")}.`,
        headers: { Allow: allowed.join(", ") },
      });
      return send(reply, error);
    }
    return send(
      reply,
      new ApiError("not_found", "Route not found.", { detail: `${req.method} ${pathOf(req)}` }),
    );
  });
}

/** Answers what the framework refuses before any of our hooks has run, such as an address that is no URL. */
export function frameworkErrors({ config }: Pick<Deps, "config">) {
  const addHeaders = securityHeaders({ config });
  return async (err: FastifyError, req: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await addHeaders(req, reply);
    send(reply, toApiError(err));
  };
}

/** As long as we listen to who sends too much: the answer has arrived by then, or is not waited for. */
const hearOutMs = 10_000;

/**
 * Who is still sending finds the answer only if we read on, and throw away what comes: closed with unread data, as the
 * framework would have it, a connection is reset, and the answer lost with it.
 */
function hearOut({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  reply.removeHeader("connection");
  const timer = setTimeout(() => raw.destroy(), hearOutMs);
  raw.once("close", () => clearTimeout(timer));
  raw.resume();
}

function pathOf(req: FastifyRequest): string {
  return (req.url.split("?", 1)[0] ?? "").slice(0, 256);
}

function send(reply: FastifyReply, error: ApiError): FastifyReply {
  return reply
    .code(error.status)
    .headers(error.headers)
    .type("application/json; charset=utf-8")
    .send(error.toBody());
}

/** What the client is told. Causes that are not theirs to know become a plain 500 or 503. */
export function toApiError(err: unknown): ApiError {
  if (err instanceof ApiError) return err;
  if (isPostgresAway(err)) {
    return new ApiError("unavailable", "The database cannot be reached at the moment. Try again shortly.", {
      headers: { "Retry-After": "1" },
      cause: err,
    });
  }
  const known = fastifyRefusals[(err as Partial<FastifyError> | null)?.code ?? ""]; // Reading a field of anything.
  if (known) return new ApiError(known[0], known[1], { cause: err });
  return new ApiError("internal", "An internal error occurred. The server's log has the details.", {
    cause: err,
  });
}

// What the framework itself refuses, by its codes.
const fastifyRefusals: Record<string, readonly [ConstructorParameters<typeof ApiError>[0], string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["payload_too_large", "The request body is too large."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "bad_request",
    "The request body is not as long as its Content-Length.",
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "The content type is not valid."],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["bad_request", "The request body is empty."],
  FST_ERR_BAD_URL: ["bad_request", "The address is not a valid URL."],
  FST_ERR_MAX_PARAM_LENGTH: ["not_found", "Route not found."],
};
