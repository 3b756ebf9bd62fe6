import type { IncomingMessage } from "node:http";
import type { FastifyReply } from "fastify";
import type { ServerConfig } from "../config/server-options.ts";
import { csrfTokenOf } from "./csrf.ts";
import { createRequestOrigin } from "./request-origin.ts";
import { csrfCookie, sessionCookie } from "./session-token.ts";

type CookieConfig = Pick<
  ServerConfig,
  "accessUrl" | "proxyTrustedOrigins" | "secureAuthCookie" | "samesiteAuthCookie" | "hostPrefixCookie"
>;

/** Makes the functions that give a browser its session and take it away. */
export function createSessionCookies(config: CookieConfig) {
  const originOf = createRequestOrigin(config);
  const prefix = config.hostPrefixCookie ? "__Host-" : "";

  function attributes(req: IncomingMessage): string {
    const isSecure =
      config.secureAuthCookie === "auto"
        ? config.accessUrl.startsWith("https:") || originOf(req).https
        : config.secureAuthCookie === "true";
    const sameSite = config.samesiteAuthCookie === "none" ? "None" : "Lax";
    // Browsers take neither SameSite=None nor the __Host- prefix without Secure.
    const needsSecure = isSecure || sameSite === "None" || config.hostPrefixCookie;
    return `; Path=/; SameSite=${sameSite}${needsSecure ? "; Secure" : ""}`;
  }

  return {
    /** The session itself is out of reach of scripts; the CSRF token is there for them. */
    set(req: IncomingMessage, reply: FastifyReply, token: string): void {
      const rest = attributes(req);
      reply.header("Set-Cookie", [
        `${prefix}${sessionCookie}=${token}${rest}; HttpOnly`,
        `${csrfCookie}=${csrfTokenOf(token)}${rest}`,
      ]);
    },
    clear(req: IncomingMessage, reply: FastifyReply): void {
      const rest = `${attributes(req)}; Max-Age=0`;
      reply.header("Set-Cookie", [`${prefix}${sessionCookie}=${rest}; HttpOnly`, `${csrfCookie}=${rest}`]);
    },
  };
}
