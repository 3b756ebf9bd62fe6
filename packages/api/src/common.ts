import { z } from "zod";
import { named, schemaNotes } from "./components.ts";
import { nilUuid } from "./constants.ts";
import {
  type NameRule,
  nameProblem,
  nameRule,
  organizationNameRule,
  provisionerKeyNameRule,
  templateVersionNameRule,
  tokenNameRule,
  usernameRule,
} from "./name-rules.ts";
import { shown } from "./shown.ts";

export { nilUuid, zeroTime } from "./constants.ts";
export { shown } from "./shown.ts";

/** Any UUID, whatever its version digits say: clients and Terraform make all kinds. */
export const Uuid = z.guid({
  error: ({ input }) =>
    input === undefined
      ? "is required."
      : `must be a UUID such as 6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10, got ${shown(input)}.`,
});

/** RFC 3339 with a zone. */
export const Timestamp = z.iso.datetime({
  offset: true,
  error: "must be an RFC 3339 time with a zone, such as 2026-01-31T09:00:00Z.",
});

/** Whole numbers beyond 2^53 too: durations in nanoseconds do not fit JavaScript's safe integers. */
export const Int64 = z.number().refine(Number.isInteger, { error: "must be a whole number." });
schemaNotes.add(Int64, { type: "integer", format: "int64" });

export const ValidationError = named("ValidationError", z.object({ field: z.string(), detail: z.string() }));
export type ValidationError = z.infer<typeof ValidationError>;

/** The body of every refusal, and of every success that has no object to return. */
export const Response = named(
  "Response",
  z.object({
    message: z.string(),
    detail: z.string().optional(),
    validations: z.array(ValidationError).optional(),
  }),
);
export type Response = z.infer<typeof Response>;

// ---- Names (access.md 2.3) ----

function nameSchema(rule: NameRule) {
  const schema = z.string().check((ctx) => {
    const message = nameProblem(rule, ctx.value);
    if (message) ctx.issues.push({ code: "custom", input: ctx.value, message, continue: false });
  });
  schemaNotes.add(schema, { minLength: 1, maxLength: rule.maxLength, pattern: rule.pattern.source });
  return schema;
}

/** Names of workspaces, templates and organization roles. */
export const Name = nameSchema(nameRule);
export const Username = nameSchema(usernameRule);
export const OrganizationName = nameSchema(organizationNameRule);
export const TokenName = nameSchema(tokenNameRule);
export const TemplateVersionName = nameSchema(templateVersionNameRule);
export const ProvisionerKeyName = nameSchema(provisionerKeyNameRule);

export const DisplayName = z
  .string()
  .max(64, { error: "must have at most 64 characters." })
  .refine((text) => text === text.trim(), { error: "must not start or end with a space." });

export const RealName = z
  .string()
  .transform((text) => text.trim())
  .refine((text) => text.length <= 128, { error: "must have at most 128 characters." });

// ---- Request fields ----

/** A field that may be absent or `null` (Go clients send `null`); handlers see `undefined` for both. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A field that may be absent or `null`, with the value that it has then. */
export function defaulted<T extends z.ZodType>(schema: T, value: z.output<T>) {
  return schema.nullish().transform((given) => given ?? value);
}

/** A field in which `""` means none; any other text must be as the schema says, and what is wrong with it is told. */
export function emptyOr<T extends z.ZodType>(schema: T) {
  return z.union([z.literal(""), schema], {
    error: (issue) => (issue.code === "invalid_union" ? issue.errors.at(-1)?.[0]?.message : undefined),
  });
}

/** An optional reference. Go clients send the all-zero UUID for "none" (`omitempty` keeps arrays). */
export const OptionalUuid = z
  .union([Uuid, z.literal("")], { error: "must be a UUID." })
  .nullish()
  .transform((value) => (value && value !== nilUuid ? value : undefined));

/** An optional choice. Go clients send `""` for "not given". */
export function optionalEnum<const T extends readonly string[]>(values: T) {
  return z
    .enum(["", ...values])
    .nullish()
    .transform((value) => (value ? (value as T[number]) : undefined)); // Narrowed by the test: "" is gone.
}

/** A list in which `null` means empty, as Go writes it. */
export function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
}

// ---- Query parameters: text in the URL, typed values for handlers and clients ----

/** A whole number in the query. */
export const QueryInt = z.preprocess(
  (value) => (typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
  z.number({ error: ({ input }) => `must be a whole number, got ${shown(input)}.` }).int(),
);

const truths = new Map<unknown, boolean>([
  ["", true], // `?follow` alone means yes.
  ["1", true],
  ["t", true],
  ["true", true],
  ["0", false],
  ["f", false],
  ["false", false],
]);

/** A yes-or-no in the query; the bare key means yes. */
export const QueryBool = z.preprocess(
  (value) => (typeof value === "string" ? (truths.get(value.toLowerCase()) ?? value) : value),
  z.boolean({ error: ({ input }) => `must be true or false, got ${shown(input)}.` }),
);

/** A key that may be repeated. One occurrence may also hold several values with commas between them. */
export function queryList<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => {
    if (value === undefined) return value;
    const parts = Array.isArray(value) ? value : [value];
    return parts.flatMap((part) => (typeof part === "string" ? part.split(",").filter(Boolean) : [part]));
  }, z.array(item));
}

/** A key that may be repeated and whose values are taken as they are. */
export const QueryStrings = z.preprocess(
  (value) => (value === undefined || Array.isArray(value) ? value : [value]),
  z.array(z.string()),
);

/** Tags as a JSON object in the query: `?tags={"zone":"eu"}`. */
export const QueryTags = z.preprocess(
  (value) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      return value; // The schema below refuses it and says what is expected.
    }
  },
  z.record(z.string(), z.string(), {
    error: ({ input }) => `must be a JSON object of strings such as {"zone":"eu"}, got ${shown(input)}.`,
  }),
);

/** `limit`, `offset` and `after_id`: a limit of 0 or below means all; the offset counts records. */
export const pagination = {
  limit: QueryInt.optional(),
  offset: QueryInt.optional(),
  after_id: Uuid.optional(),
};

export const NameValue = named("NameValue", z.object({ name: z.string(), value: z.string() }));
export type NameValue = z.infer<typeof NameValue>;

export const Tags = z.record(z.string(), z.string());
