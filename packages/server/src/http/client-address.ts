import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { ServerConfig } from "../config/server-options.ts";

export type ClientAddress = (req: IncomingMessage) => string;

type ProxyConfig = Pick<ServerConfig, "proxyTrustedHeaders" | "proxyTrustedOrigins">;

/**
 * Finds the address of the client. Headers count only when the connection comes from a trusted proxy
 * (access.md 10.1); of a chain of addresses the last one that is no trusted proxy itself counts, since
 * everything before it is what that client claims.
 */
export function createClientAddress(config: ProxyConfig): ClientAddress {
  const isTrusted = createTrust(config.proxyTrustedOrigins);
  const headers = config.proxyTrustedHeaders.map((name) => name.toLowerCase());
  return (req) => {
    const peer = normalized(req.socket.remoteAddress ?? "");
    if (headers.length === 0 || !isTrusted(peer)) return peer;
    for (const name of headers) {
      const value = [req.headers[name] ?? []].flat().join(",");
      const chain = value.split(",").map((part) => normalized(part.trim()));
      const client = chain.reverse().find((address) => isIP(address) !== 0 && !isTrusted(address));
      if (client) return client;
    }
    return peer;
  };
}

/** Whether a connection comes from a proxy whose forwarding headers are believed. */
export function createTrust(origins: readonly string[]): (peer: string) => boolean {
  const trusted = new BlockList();
  for (const origin of origins) {
    const [address = "", prefix] = origin.split("/");
    const version = isIP(address);
    if (version === 0)
      throw new Error(`--proxy-trusted-origins: ${origin} is not a network such as 10.0.0.0/8.`);
    const family = version === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (peer) => {
    const address = normalized(peer);
    const version = isIP(address);
    return version !== 0 && trusted.check(address, version === 6 ? "ipv6" : "ipv4");
  };
}

/** An IPv4 client of an IPv6 socket is the same client. */
function normalized(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
