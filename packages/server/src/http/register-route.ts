import type { Readable } from "node:stream";
import {
  type AnyRoute,
  type BodyOf,
  type ParamsOf,
  parseRequest,
  type QueryOf,
  routePath,
  type Status,
} from "@slipway/api";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { recordRefusal } from "../audit/record-refusal.ts";
import { ApiError } from "./api-error.ts";
import type { App } from "./app.ts";
import { type Auth, unauthorized } from "./auth.ts";
import { requireCsrfToken } from "./csrf.ts";
import { requestSignal } from "./request-signal.ts";
import { requireOwnOrigin } from "./websocket-route.ts";

type AuthOf<R extends AnyRoute> = R["auth"] extends "user"
  ? Auth
  : R["auth"] extends "optional"
    ? Auth | undefined
    : undefined;

/** A request as handlers see it: checked against its route, and with its caller known. */
export type RouteRequest<R extends AnyRoute> = Readonly<{
  params: ParamsOf<R>;
  query: QueryOf<R>;
  body: BodyOf<R>;
  /** The body of routes that take bytes instead of JSON. */
  bytes: Buffer;
  auth: AuthOf<R>;
  requestId: string;
  ip: string;
  userAgent: string;
  /** Aborted when the client goes away or the server stops. */
  signal: AbortSignal;
  raw: FastifyRequest;
  reply: FastifyReply;
}>;

/** Returned by a handler that has answered by itself: over a WebSocket, or as a stream of events. */
export const handled: unique symbol = Symbol("handled");

type Bytes = string | Uint8Array | Readable;
// "& Status" lets a literal such as 200 stay one while R is being inferred.
type ReplyWith<S, Schema> = {
  status: S & Status;
  headers?: Record<string, string>;
} & (Schema extends z.ZodType ? { body: z.input<Schema> } : { body?: Bytes });

/** An answer with one of the route's statuses, and the body that the route says this status has. */
export type RouteReply<R extends AnyRoute> =
  | { [S in keyof R["responses"]]: ReplyWith<S, R["responses"][S]> }[keyof R["responses"]]
  | typeof handled;

export type RouteOptions = {
  /** Stricter, or laxer, than the limit of the API. */
  rateLimitPerMinute?: number;
  bodyLimitBytes?: number;
};

export type RouteHandler<R extends AnyRoute> = (req: RouteRequest<R>) => Promise<RouteReply<R>>;

/**
 * Adds a route to the application. Before the handler runs, the caller is known, the rate limit and the
 * CSRF rule are kept, and path, query and body have passed the route's schemas.
 *
 * @example
 * registerRoute(app, users.getUser, async ({ auth, params }) => {
 *   const user = await findUser(db, auth, params.user);
 *   requireAccess(auth.subject, "read", userObject(user));
 *   return { status: 200, body: toApiUser(user) };
 * });
 */
export function registerRoute<R extends AnyRoute>(
  app: App,
  route: R,
  // The route alone says what R is; an answer must fit it, not widen it.
  handler: RouteHandler<NoInfer<R>>,
  options: RouteOptions = {},
): void {
  const { steps } = app;
  steps.routes.push(route);
  app.route({
    method: route.method,
    url: routePath(route),
    ...(options.bodyLimitBytes === undefined ? {} : { bodyLimit: options.bodyLimitBytes }),
    config: { upload: route.upload },
    // Before the body is read: nobody sends us megabytes without a key, or faster than allowed.
    onRequest: async (req, reply) => {
      const ip = steps.clientAddress(req.raw);
      requireOwnOrigin(app, req.raw);
      if (route.auth === "user" || route.auth === "optional") {
        const found = await authenticateFor(route, app, req, ip);
        req.auth = found?.auth;
        if (found) requireCsrfToken(req.raw, found.presented);
      }
      // Agents and daemons come in crowds from one address, and all at once after a restart.
      if (route.auth !== "agent" && route.auth !== "provisioner") {
        const { rateLimitPerMinute: perMinute } = options;
        steps.limitRate(req, reply, { auth: req.auth, ip, operation: route.operationId, perMinute });
      }
      if (route.upload) requireContentType(req, route.upload);
    },
    handler: async (req, reply) => {
      const parsed = parseRequest(route, {
        params: req.params,
        // The querystring parser of the framework always makes an object.
        query: { ...(req.query as Record<string, unknown>) },
        body: route.upload ? undefined : req.body,
      });
      if (!parsed.ok) {
        const { message, validations } = parsed.refusal;
        throw new ApiError("bad_request", message, { validations });
      }
      const request = {
        params: parsed.params,
        query: parsed.query,
        body: parsed.body,
        bytes: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
        // `onRequest` has made sure that routes for users have one.
        auth: req.auth as AuthOf<R>,
        requestId: req.id,
        ip: steps.clientAddress(req.raw),
        userAgent: req.headers["user-agent"] ?? "",
        get signal() {
          return requestSignal(req, reply, steps.deps.signal);
        },
        raw: req,
        reply,
      };
      const answer = await handler(request).catch(async (err: unknown) => {
        await recordRefusal(
          steps.deps,
          {
            auth: req.auth,
            ip: request.ip,
            userAgent: request.userAgent,
            requestId: req.id,
            params: parsed.params,
            body: parsed.body,
          },
          err,
        );
        throw err;
      });
      if (answer === handled) return reply;
      return send(app, route, reply, answer as Answer); // One member of the union that its type spells out.
    },
  });
}

async function authenticateFor(route: AnyRoute, app: App, req: FastifyRequest, ip: string) {
  const { authenticate } = app.steps;
  try {
    const found = await authenticate(req.raw, ip);
    if (!found && route.auth === "user") {
      throw unauthorized("The session token is missing. Send it in the header Coder-Session-Token.");
    }
    return found;
  } catch (err) {
    // Whoever shows a bad key to a route that needs none is a stranger to it (access.md 3.1).
    if (route.auth === "optional" && err instanceof ApiError && err.code === "unauthorized") return null;
    throw err;
  }
}

function requireContentType(req: FastifyRequest, accepted: readonly string[]): void {
  const type = req.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (accepted.includes(type)) return;
  throw new ApiError("unsupported_media_type", `The content type ${JSON.stringify(type)} is not supported.`, {
    detail: `Send one of ${accepted.join(", ")}.`,
  });
}

// Loosely typed inside: `RouteReply` is what holds handlers to the route.
type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

function send(app: App, route: AnyRoute, reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status).headers(answer.headers ?? {});
  const schema = route.responses[answer.status as keyof typeof route.responses];
  if (!schema) return reply.send(answer.body ?? null);
  if (app.steps.checkAnswers) {
    const checked = schema.safeParse(answer.body);
    if (!checked.success) {
      throw new Error(`${route.operationId} answered ${answer.status} with a body that its schema refuses.`, {
        cause: checked.error,
      });
    }
  }
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(answer.body));
}
