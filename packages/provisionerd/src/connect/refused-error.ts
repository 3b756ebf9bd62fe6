import type { IncomingMessage } from "node:http";

/** The server let the daemon not in, and would not by trying again with the same credential. */
export class RefusedError extends Error {
  override name = "RefusedError";
  /** What `startDaemon` looks for. */
  readonly refused = true;
  readonly status: number;
  readonly detail: string | undefined;

  constructor(status: number, message: string, detail?: string) {
    super(message);
    this.status = status;
    this.detail = detail;
  }
}

const MAX_BODY_BYTES = 64 * 1024;
/** Malformed, unknown, forbidden. A 404 is for good only in the server's own words: proxies say it of servers that start. */
const ALWAYS_FOR_GOOD = new Set([400, 401, 403]);

/** The error that an ordinary answer to the upgrade request comes to. */
export async function readRefusal(response: IncomingMessage): Promise<Error> {
  const status = response.statusCode ?? 0;
  const said = parseBody(await readBody(response));
  if (ALWAYS_FOR_GOOD.has(status) || (status === 404 && said !== null)) {
    return new RefusedError(
      status,
      said?.message ?? `The server, or a proxy before it, answered ${status}.`,
      said?.detail,
    );
  }
  const { location } = response.headers;
  if (status >= 300 && status < 400 && location !== undefined) {
    return new Error(`The server redirects to ${location}: use the address that it has there.`);
  }
  return new Error(said?.message ?? `The server answered ${status} instead of opening a connection.`);
}

async function readBody(response: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  return text;
}

function parseBody(text: string): { message: string; detail: string | undefined } | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("message" in body)) return null;
    const detail = "detail" in body && typeof body.detail === "string" ? body.detail : undefined;
    return { message: String(body.message), detail };
  } catch {
    return null; // A proxy's page, most likely.
  }
}
