import { z } from "zod";
import { Uuid } from "./common.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Auth = "none" | "user" | "agent" | "provisioner" | "optional";
export type StreamKind = "sse" | "websocket" | "bytes";

/** Statuses of answers that are not refusals. A value of `null` means: no body. */
export type Status = 101 | 200 | 201 | 202 | 204 | 304;
export type Responses = Readonly<Partial<Record<Status, z.ZodType | null>>>;

type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type ParamsSchema<Path extends string> = z.ZodObject<Record<ParamNames<Path>, z.ZodType<string, string>>>;

/** One operation of the API: everything that server, client and OpenAPI document need to know of it. */
export type Route<
  Path extends string = string,
  Q extends z.ZodObject | undefined = z.ZodObject | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends Responses = Responses,
  A extends Auth = Auth,
> = Readonly<{
  operationId: string;
  method: Method;
  /** Below `base`, with `:name` for each parameter. */
  path: Path;
  base: string;
  tag: string;
  summary: string;
  description: string | undefined;
  auth: A;
  params: ParamsSchema<Path> | undefined;
  /** Unknown keys are refused. A route without a query schema ignores the query, as Coder does. */
  query: Q;
  /** Unknown keys are ignored. */
  body: B;
  /** Content types of a raw request body, for routes that take bytes instead of JSON. */
  upload: readonly string[] | undefined;
  responses: R;
  /** Refusals that a caller should expect, besides those that every route knows. */
  errors: Readonly<Record<number, string>>;
  stream: StreamKind | undefined;
  /** What each event (SSE) or message (WebSocket) holds, where it is JSON. */
  message: z.ZodType | undefined;
}>;

// "Any route" for constraints: a concrete route must be assignable whatever its schemas are.
// biome-ignore lint/suspicious/noExplicitAny: variance of the path-derived parameter schema
export type AnyRoute = Route<any, z.ZodObject | undefined, z.ZodType | undefined, Responses>;

export type ParamsOf<R extends AnyRoute> = { [K in ParamNames<R["path"]>]: string };
/** The query as handlers see it and as clients give it. */
export type QueryOf<R extends AnyRoute> = R["query"] extends z.ZodObject ? z.output<R["query"]> : undefined;
/** The body as handlers see it: parsed, with defaults filled in. */
export type BodyOf<R extends AnyRoute> = R["body"] extends z.ZodType ? z.output<R["body"]> : undefined;
/** The body as clients give it. */
export type BodyInputOf<R extends AnyRoute> = R["body"] extends z.ZodType ? z.input<R["body"]> : undefined;
/** The body of the answer with status `S`. */
export type ResponseOf<
  R extends AnyRoute,
  S extends keyof R["responses"],
> = R["responses"][S] extends z.ZodType ? z.output<R["responses"][S]> : undefined;
/** The body of a successful answer. */
export type SuccessOf<R extends AnyRoute> = {
  [S in keyof R["responses"] & (200 | 201 | 202 | 204)]: ResponseOf<R, S>;
}[keyof R["responses"] & (200 | 201 | 202 | 204)];

type RouteSpec<
  Path extends string,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
  R extends Responses,
  A extends Auth,
> = {
  operationId: string;
  method: Method;
  path: Path;
  base?: string;
  tag: string;
  summary: string;
  description?: string;
  auth: A;
  query?: Q;
  body?: B;
  upload?: readonly string[];
  responses: R;
  errors?: Readonly<Record<number, string>>;
  stream?: StreamKind;
  message?: z.ZodType;
};

// Parameters that hold ids only. All others take a name too, or have a form of their own.
const uuidParams = new Set([
  "file",
  "job",
  "template",
  "templateversion",
  "workspace",
  "workspaceagent",
  "workspacebuild",
]);
const numberParams = new Set(["buildnumber"]);

function paramSchema(name: string): z.ZodType<string, string> {
  if (uuidParams.has(name)) return Uuid;
  if (numberParams.has(name))
    return z.string().regex(/^\d{1,9}$/, { error: "must be a number of a build, such as 1." });
  return z.string().min(1).max(256);
}

/** The names of a path's parameters, in order: `"/users/:user/keys/:keyid"` has `user` and `keyid`. */
export function paramNames(path: string): string[] {
  return Array.from(path.matchAll(/:([a-z_]+)/gi), (match) => match[1]!);
}

/**
 * Describes one operation. The parameters' schema follows from the path.
 *
 * @example
 * export const getUser = defineRoute({
 *   operationId: "getUser", method: "GET", path: "/users/:user", tag: "Users",
 *   summary: "Get a user", auth: "user", responses: { 200: User },
 * });
 */
export function defineRoute<
  const Path extends string,
  const R extends Responses,
  A extends Auth,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<Path, Q, B, R, A>): Route<Path, Q, B, R, A> {
  const names = paramNames(spec.path);
  const params = z.object(Object.fromEntries(names.map((name) => [name, paramSchema(name)])));
  return Object.freeze({
    base: "/api/v2",
    description: undefined,
    upload: undefined,
    errors: {},
    stream: undefined,
    message: undefined,
    ...spec,
    // The names were read from the very path that the type is computed from.
    params: names.length > 0 ? (params as unknown as ParamsSchema<Path>) : undefined,
    // Absent means `undefined`, which is what Q and B are inferred as then.
    query: (spec.query ? spec.query.strict() : undefined) as Q,
    body: spec.body as B,
  });
}

export function isRoute(value: unknown): value is AnyRoute {
  return typeof value === "object" && value !== null && "operationId" in value && "responses" in value;
}
