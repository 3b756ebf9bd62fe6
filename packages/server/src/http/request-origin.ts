import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { ServerConfig } from "../config/server-options.ts";
import { createTrust } from "./client-address.ts";

type OriginConfig = Pick<ServerConfig, "accessUrl" | "proxyTrustedOrigins">;

/** How the browser sees this server in a request: scheme and host, through trusted proxies. */
export function createRequestOrigin(
  config: OriginConfig,
): (req: IncomingMessage) => { https: boolean; host: string } {
  const isTrusted = createTrust(config.proxyTrustedOrigins);
  return (req) => {
    const proxied = isTrusted(req.socket.remoteAddress ?? "");
    const forwardedProto = proxied ? firstOf(req.headers["x-forwarded-proto"]) : undefined;
    const forwardedHost = proxied ? firstOf(req.headers["x-forwarded-host"]) : undefined;
    const https = forwardedProto ? forwardedProto === "https" : req.socket instanceof TLSSocket;
    return { https, host: forwardedHost ?? req.headers.host ?? "" };
  };
}

/**
 * Whether the page that makes this request is one of ours. Browsers always name the origin of a page that
 * opens a WebSocket and let it reach any host with its cookies, so that the server must look.
 * Programs name none.
 */
export function createOriginCheck(config: OriginConfig): (req: IncomingMessage) => boolean {
  const originOf = createRequestOrigin(config);
  const accessHost = config.accessUrl ? new URL(config.accessUrl).host : undefined;
  return (req) => {
    const { origin } = req.headers;
    if (origin === undefined) return true;
    const host = URL.parse(origin)?.host;
    if (!host) return false;
    return host === accessHost || host === originOf(req).host.toLowerCase();
  };
}

function firstOf(header: string | string[] | undefined): string | undefined {
  const value = [header ?? []].flat()[0]?.split(",", 1)[0]?.trim().toLowerCase();
  return value || undefined;
}
