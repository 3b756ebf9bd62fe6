import { randomUUID } from "node:crypto";
import type { AnyRoute } from "@slipway/api";
import fastify, { type FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { createRequestMetrics } from "../metrics/request-metrics.ts";
import { type Auth, createAuthenticator } from "./auth.ts";
import { createClientAddress } from "./client-address.ts";
import { frameworkErrors, registerErrorAnswers } from "./error-answers.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { redirectToAccessUrl } from "./redirect.ts";
import { parseBody } from "./request-body.ts";
import { securityHeaders } from "./security-headers.ts";
import { acceptUpgrades } from "./websocket-route.ts";

/** The HTTP application that features add their routes to. */
export type App = FastifyInstance;

declare module "fastify" {
  interface FastifyInstance {
    /** Steps that every route uses. */
    steps: Steps;
  }
  interface FastifyRequest {
    auth: Auth | undefined;
  }
  interface FastifyContextConfig {
    /** Content types of a body of bytes; absent for JSON. */
    upload?: readonly string[] | undefined;
  }
}

export type Steps = {
  authenticate: ReturnType<typeof createAuthenticator>;
  limitRate: ReturnType<typeof createRateLimiter>;
  clientAddress: ReturnType<typeof createClientAddress>;
  deps: Deps;
  /** Every route that was added, for the description of the API. */
  routes: AnyRoute[];
  /** In tests, answers are held against their schemas. */
  checkAnswers: boolean;
};

/** Bodies of ordinary requests. Routes that take more say so. */
export const defaultBodyLimitBytes = 1024 * 1024;

export type AppOptions = { deps: Deps; checkAnswers?: boolean };

/**
 * Builds the application with everything that holds for all routes, and none of the routes. It never
 * listens: listeners hand it their requests, see `listener.ts`.
 */
export function createApp({ deps, checkAnswers = false }: AppOptions): App {
  const clientAddress = createClientAddress(deps.config);
  const app: App = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: defaultBodyLimitBytes,
    // Names are at most 36 characters, file names in archives more.
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false },
    return503OnClosing: true,
    exposeHeadRoutes: true,
    frameworkErrors: frameworkErrors(deps),
  });
  app.decorate("steps", {
    authenticate: createAuthenticator(deps),
    limitRate: createRateLimiter(deps),
    clientAddress,
    deps,
    routes: [],
    checkAnswers,
  });
  app.decorateRequest("auth", undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, parseBody);
  app.addHook("onRequest", securityHeaders(deps));
  if (deps.config.redirectToAccessUrl) app.addHook("onRequest", redirectToAccessUrl(deps.config));
  const measure = deps.config.prometheusEnable ? createRequestMetrics(deps.metrics) : undefined;
  app.addHook("onResponse", async (req, reply) => {
    measure?.(req, reply);
    const { statusCode } = reply;
    const fields = {
      requestId: req.id,
      method: req.method,
      path: req.url.split("?", 1)[0],
      status: statusCode,
      durationMs: Math.round(reply.elapsedTime),
      ip: clientAddress(req.raw),
      userId: req.auth?.user.id,
    };
    if (statusCode >= 500) deps.log.warn(fields, "request failed");
    else deps.log.debug(fields, "request");
  });
  registerErrorAnswers(app, deps);
  acceptUpgrades(app);
  return app;
}
