import type { z } from "zod";
import type { Response, ValidationError } from "./common.ts";
import type { AnyRoute, BodyOf, ParamsOf, QueryOf } from "./route.ts";
import { describeIssue, unstorableTexts, validationsFromZod } from "./validations.ts";

// Credentials that browsers put into the query where they cannot set headers (rest-api.md 2).
// The authentication step reads them; no route lists them.
const credentialKeys = new Set([
  "coder_session_token",
  "access_token",
  "coder_signed_app_token",
  "coder_signed_app_token_23db1dde",
]);

export type RawRequest = { params?: unknown; query?: Record<string, unknown>; body?: unknown };

export type ParsedRequest<R extends AnyRoute> =
  | { ok: true; params: ParamsOf<R>; query: QueryOf<R>; body: BodyOf<R> }
  | { ok: false; refusal: Response };

/**
 * Checks the three inputs of a request against its route. A refusal is the body of a 400 answer and
 * names each field with its remedy.
 *
 * @example
 * const parsed = parseRequest(users.createUser, { params, query, body });
 * if (!parsed.ok) return reply.code(400).send(parsed.refusal);
 */
export function parseRequest<R extends AnyRoute>(route: R, raw: RawRequest): ParsedRequest<R> {
  const params = check(route.params, raw.params);
  if (!params.ok) return refused("The address has invalid values.", params.validations);
  const query = check(route.query, withoutCredentials(raw.query ?? {}));
  if (!query.ok) return refused("Query parameters have invalid values.", query.validations);
  const body = check(route.body, raw.body);
  if (!body.ok) return refused("Validation failed.", body.validations);
  return {
    ok: true,
    // Each value was just parsed by the schema from which its type is computed.
    params: params.data as ParamsOf<R>,
    query: query.data as QueryOf<R>,
    body: body.data as BodyOf<R>,
  };
}

type Checked = { ok: true; data: unknown } | { ok: false; validations: ValidationError[] };

function check(schema: z.ZodType | undefined, value: unknown): Checked {
  if (!schema) return { ok: true, data: undefined };
  const result = schema.safeParse(value, { error: describeIssue });
  if (!result.success) return { ok: false, validations: validationsFromZod(result.error) };
  // Here and not in each schema: wherever text comes from, it can go into the database.
  const validations = unstorableTexts(result.data);
  return validations.length === 0 ? { ok: true, data: result.data } : { ok: false, validations };
}

function refused(message: string, validations: ValidationError[]) {
  return { ok: false as const, refusal: { message, validations } };
}

function withoutCredentials(query: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).filter(([key]) => !credentialKeys.has(key)));
}
