import type { IncomingMessage } from "node:http";

export const sessionCookie = "coder_session_token";
export const csrfCookie = "csrf_token";

export type TokenSource = "cookie" | "query" | "header" | "bearer";
export type PresentedToken = {
  token: string;
  source: TokenSource;
  /** The token also came in a way that no foreign page can make a browser use. */
  explicit: boolean;
};

/** Finds the caller's token, in the order of access.md 3.1. */
export function presentedToken(
  req: IncomingMessage,
  options: { hostPrefix: boolean },
): PresentedToken | null {
  const cookie = cookieValue(req, options.hostPrefix ? `__Host-${sessionCookie}` : sessionCookie);
  const query = new URLSearchParams(req.url?.split("?", 2)[1] ?? "").get(sessionCookie) || undefined;
  const header = single(req.headers["coder-session-token"]);
  const bearer = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? "")?.[1];
  const found: [TokenSource, string | undefined][] = [
    ["cookie", cookie],
    ["query", query],
    ["header", header],
    ["bearer", bearer],
  ];
  for (const [source, token] of found) {
    if (!token) continue;
    return { token, source, explicit: [query, header, bearer].includes(token) };
  }
  return null;
}

/** One cookie by its exact name. */
export function cookieValue(req: IncomingMessage, name: string): string | undefined {
  for (const part of (req.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

function single(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value) || undefined;
}
