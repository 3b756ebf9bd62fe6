import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { ApiError } from "./api-error.ts";
import type { Auth } from "./auth.ts";

const windowMs = 60_000;
/** Beyond this many callers in one minute the oldest windows are forgotten: memory stays bounded. */
const maxWindows = 50_000;

export type RateLimitedCaller = {
  auth: Auth | undefined;
  ip: string;
  operation: string;
  perMinute?: number | undefined;
  /** Refused like one request too many, and not counted: for routes that count only what goes wrong. */
  isUncounted?: boolean;
};

/** Attempts at a password, or at another secret that people may have chosen. */
export const attemptsPerMinute = 60;

type Window = { startedMs: number; count: number };

/**
 * Counts requests per minute, caller and route, in this replica (rest-api.md 1). Callers are users, else
 * addresses.
 *
 * @returns A step that throws `rate_limited` once the limit is exceeded.
 */
export function createRateLimiter({ config, clock }: Pick<Deps, "config" | "clock">) {
  const windows = new Map<string, Window>();

  function present(key: string, nowMs: number): Window | undefined {
    const found = windows.get(key);
    const isOpen = found && nowMs - found.startedMs < windowMs && nowMs >= found.startedMs;
    return isOpen ? found : undefined;
  }

  function hit(key: string, nowMs: number): Window {
    const open = present(key, nowMs);
    if (open) {
      open.count++;
      return open;
    }
    // Deleted first, so that the order of the map is the order of the windows' starts.
    windows.delete(key);
    const started = { startedMs: nowMs, count: 1 };
    windows.set(key, started);
    if (windows.size > maxWindows) {
      const [oldest] = windows.keys();
      if (oldest !== undefined) windows.delete(oldest);
    }
    return started;
  }

  return (req: FastifyRequest, reply: FastifyReply, caller: RateLimitedCaller): void => {
    if (config.dangerousDisableRateLimits) return;
    const limit = caller.perMinute ?? config.apiRateLimit;
    if (limit < 0) return;
    if (req.headers["x-coder-bypass-ratelimit"] === "true") {
      if (caller.auth?.subject.siteRoles.includes("owner")) return;
      throw new ApiError("precondition_required", "Only owners may bypass rate limits.", {
        detail: "Leave the header X-Coder-Bypass-Ratelimit out.",
      });
    }
    const nowMs = clock.now().getTime();
    const key = `${caller.operation} ${caller.auth?.user.id ?? caller.ip}`;
    const before = caller.isUncounted ? present(key, nowMs) : undefined;
    const { startedMs, count } = caller.isUncounted
      ? { startedMs: before?.startedMs ?? nowMs, count: (before?.count ?? 0) + 1 }
      : hit(key, nowMs);
    const resetSeconds = Math.max(1, Math.ceil((startedMs + windowMs - nowMs) / 1_000));
    reply.header("X-RateLimit-Limit", limit);
    reply.header("X-RateLimit-Remaining", Math.max(0, limit - count));
    reply.header("X-RateLimit-Reset", Math.floor((startedMs + windowMs) / 1_000));
    if (count <= limit) return;
    throw new ApiError("rate_limited", `Too many requests. Try again in ${resetSeconds} seconds.`, {
      detail: `This route takes ${limit} requests a minute from one caller.`,
      headers: { "Retry-After": String(resetSeconds) },
    });
  };
}
