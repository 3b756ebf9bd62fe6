import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { ApiError } from "./api-error.ts";
import type { Auth } from "./auth.ts";

const windowMs = 60_000;
/** Beyond this many callers in one minute the oldest windows are forgotten: memory stays bounded. */
const maxWindows = 50_000;

type Window = { startedMs: number; count: number };

/**
 * Counts requests per minute, caller and route, in this replica (rest-api.md 1). Callers are users, else
 * addresses.
 *
 * @returns A step that throws `rate_limited` once the limit is exceeded.
 */
export function createRateLimiter({ config, clock }: Pick<Deps, "config" | "clock">) {
  const windows = new Map<string, Window>();

  function hit(key: string, nowMs: number): Window {
    const present = windows.get(key);
    if (present && nowMs - present.startedMs < windowMs && nowMs >= present.startedMs) {
      present.count++;
      return present;
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

  return (
    req: FastifyRequest,
    reply: FastifyReply,
    caller: { auth: Auth | undefined; ip: string; operation: string; perMinute?: number | undefined },
  ): void => {
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
    const { startedMs, count } = hit(`${caller.operation} ${caller.auth?.user.id ?? caller.ip}`, nowMs);
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
