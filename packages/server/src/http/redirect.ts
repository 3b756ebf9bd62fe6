import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServerConfig } from "../config/server-options.ts";
import { createRequestOrigin } from "./request-origin.ts";

type RedirectConfig = Pick<ServerConfig, "accessUrl" | "proxyTrustedOrigins">;

/**
 * Sends browsers that came under another name to the access URL: sessions belong to one host. Probes of
 * load balancers come by address, and connections that are upgraded do not follow redirects.
 */
export function redirectToAccessUrl(config: RedirectConfig) {
  const originOf = createRequestOrigin(config);
  const access = new URL(config.accessUrl);
  return async (req: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { host } = originOf(req.raw);
    if (host.toLowerCase() === access.host || req.url === "/healthz" || req.headers.upgrade) return undefined;
    // The path is kept as a path: one that begins with two slashes would name another host.
    return reply.redirect(access.origin + req.url.replace(/^\/+/, "/"), 307);
  };
}
