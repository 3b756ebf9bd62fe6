import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { buildVersion } from "../deployment/version.ts";
import type { Deps } from "../deps.ts";
import { createRequestOrigin } from "./request-origin.ts";

/** Headers of every answer: which request and which server it was, and what browsers may do with it. */
export function securityHeaders({ config }: Pick<Deps, "config">) {
  const originOf = createRequestOrigin(config);
  const policy = ["default-src 'none'", "frame-ancestors 'none'", ...config.additionalCspPolicy].join("; ");
  const strictTransport = [
    `max-age=${config.strictTransportSecurity}`,
    ...config.strictTransportSecurityOptions,
  ].join("; ");
  const isHttps = (req: IncomingMessage) => originOf(req).https || config.accessUrl.startsWith("https:");
  return async (req: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header("X-Coder-Request-Id", req.id);
    reply.header("X-Coder-Build-Version", buildVersion);
    reply.header("X-Content-Type-Options", "nosniff");
    reply.header("Content-Security-Policy", policy);
    reply.header("Referrer-Policy", "no-referrer");
    reply.header("Cache-Control", "no-store");
    if (config.strictTransportSecurity > 0 && isHttps(req.raw)) {
      reply.header("Strict-Transport-Security", strictTransport);
    }
  };
}
