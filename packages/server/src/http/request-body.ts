import type { FastifyRequest } from "fastify";
import { ApiError } from "./api-error.ts";

/** No request of ours comes near it, and what walks the values later may call itself for each level. */
const maxDepth = 64;

/**
 * Reads a body: bytes for routes that take uploads, JSON for all others. Clients of this API often leave
 * the content type out, so that it decides nothing for JSON.
 */
export async function parseBody(req: FastifyRequest, body: Buffer): Promise<unknown> {
  const { upload } = req.routeOptions.config;
  if (upload) return body;
  const text = body.toString("utf8");
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (err) {
    throw new ApiError("bad_request", "Request body must be valid JSON.", {
      // The parser's message quotes a piece of the body, which may be a password.
      detail: position(text, err),
      cause: err,
    });
  }
  if (isDeeperThan(value, maxDepth)) {
    throw new ApiError("bad_request", `Request body must not be nested more than ${maxDepth} levels deep.`);
  }
  return value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

function position(text: string, err: unknown): string {
  const at = /at position (\d+)/.exec(err instanceof Error ? err.message : "")?.[1];
  if (at === undefined) return "The text ends before the JSON value is complete, or is no JSON at all.";
  const before = text.slice(0, Number(at)).split("\n");
  return `The JSON is wrong at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}.`;
}
