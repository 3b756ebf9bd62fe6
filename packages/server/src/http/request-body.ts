import type { FastifyRequest } from "fastify";
import { ApiError } from "./api-error.ts";

/**
 * Reads a body: bytes for routes that take uploads, JSON for all others. Clients of this API often leave
 * the content type out, so that it decides nothing for JSON.
 */
export async function parseBody(req: FastifyRequest, body: Buffer): Promise<unknown> {
  const { upload } = req.routeOptions.config;
  if (upload) return body;
  const text = body.toString("utf8");
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (err) {
    throw new ApiError("bad_request", "Request body must be valid JSON.", {
      // The parser's message quotes a piece of the body, which may be a password.
      detail: position(text, err),
      cause: err,
    });
  }
}

function position(text: string, err: unknown): string {
  const at = /at position (\d+)/.exec(err instanceof Error ? err.message : "")?.[1];
  if (at === undefined) return "The text ends before the JSON value is complete, or is no JSON at all.";
  const before = text.slice(0, Number(at)).split("\n");
  return `The JSON is wrong at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}.`;
}
