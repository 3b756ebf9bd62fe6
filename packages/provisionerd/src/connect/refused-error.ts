import type { UpgradeRefusal } from "@slipway/mux";

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

/** Malformed, unknown, forbidden. A 404 is for good only in the server's own words: proxies say it of servers that start. */
const ALWAYS_FOR_GOOD = new Set([400, 401, 403]);

/** Whether a refusal is for good, and what to do about it otherwise. */
export function judgeRefusal(refusal: UpgradeRefusal): Error {
  const { status, said, location } = refusal;
  if (ALWAYS_FOR_GOOD.has(status) || (status === 404 && said !== null)) {
    return new RefusedError(
      status,
      said?.message ?? `The server, or a proxy before it, answered ${status}.`,
      said?.detail,
    );
  }
  if (status >= 300 && status < 400 && location !== undefined) {
    return new Error(`The server redirects to ${location}: use the address that it has there.`);
  }
  return refusal;
}
