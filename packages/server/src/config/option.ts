import { formatDuration, parseDuration } from "@slipway/api";
import { z } from "zod";

export type OptionGroup = Readonly<{ name: string; yaml: readonly string[] }>;

/** One setting of the server: everything that flags, environment, YAML, help and `/deployment/config` need. */
export type Option<T = unknown> = Readonly<{
  flag: string;
  shorthand: string | undefined;
  env: string;
  /** Path in the YAML file; `undefined` for secrets, which do not belong into it. */
  yaml: readonly string[] | undefined;
  group: OptionGroup;
  description: string;
  /** What the value looks like, for help: `bool` needs none on the command line. */
  kind: "bool" | "int" | "string" | "url" | "duration" | "list" | "enum" | "json";
  choices: readonly string[] | undefined;
  default: T;
  secret: boolean;
  hidden: boolean;
  /** Accepted now, and of no effect before the release that brings its feature. */
  comesLater: boolean;
  /** Reads text of a flag or variable, or a value of the YAML file. */
  schema: z.ZodType<T, unknown>;
  /** The value as text, as help shows defaults. */
  format(value: T): string;
}>;

export type OptionSpec = {
  flag: string;
  group: OptionGroup;
  description: string;
  shorthand?: string;
  env?: string;
  /** The last part of the YAML path, when it is not the flag in camel case. */
  yaml?: string;
  secret?: boolean;
  hidden?: boolean;
  comesLater?: boolean;
};

function option<T>(
  spec: OptionSpec,
  rest: Pick<Option<T>, "kind" | "default" | "schema"> & Partial<Pick<Option<T>, "format" | "choices">>,
): Option<T> {
  const secret = spec.secret ?? false;
  return Object.freeze({
    flag: spec.flag,
    shorthand: spec.shorthand,
    env: spec.env ?? `CODER_${spec.flag.replaceAll("-", "_").toUpperCase()}`,
    yaml: secret ? undefined : [...spec.group.yaml, spec.yaml ?? camelCase(spec.flag)],
    group: spec.group,
    description: spec.comesLater
      ? `${spec.description} Accepted for compatibility; it takes effect in a later release.`
      : spec.description,
    choices: rest.choices,
    secret,
    hidden: spec.hidden ?? false,
    comesLater: spec.comesLater ?? false,
    format: rest.format ?? String,
    kind: rest.kind,
    default: rest.default,
    schema: rest.schema,
  });
}

/** `access-url` is written `accessURL` in YAML, as Coder writes it. */
function camelCase(flag: string): string {
  return flag
    .split("-")
    .map((word, index) => {
      if (index === 0) return word;
      if (["url", "ca", "id"].includes(word)) return word.toUpperCase();
      return word.charAt(0).toUpperCase() + word.slice(1);
    })
    .join("");
}

const shown = (input: unknown) => JSON.stringify(input);

export function bool(spec: OptionSpec, initial = false): Option<boolean> {
  const truths: Record<string, boolean> = {
    true: true,
    t: true,
    "1": true,
    false: false,
    f: false,
    "0": false,
  };
  const schema = z.preprocess(
    (value) => (typeof value === "string" ? (truths[value.trim().toLowerCase()] ?? value) : value),
    z.boolean({ error: ({ input }) => `must be true or false, got ${shown(input)}` }),
  );
  return option(spec, { kind: "bool", default: initial, schema });
}

export function int(spec: OptionSpec, initial: number, min = 0): Option<number> {
  const schema = z.preprocess(
    (value) => (typeof value === "string" && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : value),
    z
      .number({ error: ({ input }) => `must be a whole number, got ${shown(input)}` })
      .int({ error: ({ input }) => `must be a whole number, got ${shown(input)}` })
      .min(min, { error: ({ input }) => `must be at least ${min}, got ${shown(input)}` }),
  );
  return option(spec, { kind: "int", default: initial, schema });
}

export function text(spec: OptionSpec, initial = ""): Option<string> {
  const schema = z.preprocess(
    (value) => (typeof value === "number" ? String(value) : value),
    z.string({ error: ({ input }) => `must be text, got ${shown(input)}` }),
  );
  return option(spec, { kind: "string", default: initial, schema });
}

/** `host:port`. A host that holds colons is an IPv6 address in brackets; empty text disables the listener. */
export function address(spec: OptionSpec, initial: string): Option<string> {
  const schema = z.string().refine((value) => value === "" || parseAddress(value) !== null, {
    error: ({ input }) => `must be host:port such as 127.0.0.1:3000, got ${shown(input)}`,
  });
  return option(spec, { kind: "string", default: initial, schema });
}

/** Takes `host:port` apart; an empty host means all interfaces. */
export function parseAddress(value: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return null;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** An http or https address without credentials, kept without its trailing slash. Empty text means none. */
export function url(spec: OptionSpec, initial = ""): Option<string> {
  const schema = z.string().transform((value, ctx) => {
    if (value === "") return "";
    const parsed = URL.parse(value);
    if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.password) {
      return value.replace(/\/+$/, "");
    }
    ctx.issues.push({
      code: "custom",
      input: value,
      message: `must be a URL that starts with http:// or https://, got ${shown(value)}`,
    });
    return z.NEVER;
  });
  return option(spec, { kind: "url", default: initial, schema });
}

/** A duration; the value is in milliseconds, so that keys of such options end in `Ms`. */
export function duration(spec: OptionSpec, initial: string): Option<number> {
  const schema = z.union([z.string(), z.number()]).transform((value, ctx) => {
    const ms = parseDuration(String(value));
    if (ms !== null) return ms;
    ctx.issues.push({
      code: "custom",
      input: value,
      message: `must be a duration such as 30s, 1h30m or 7d, got ${shown(value)}`,
    });
    return z.NEVER;
  });
  return option(spec, {
    kind: "duration",
    default: parseDuration(initial) ?? 0,
    schema,
    format: formatDuration,
  });
}

/** Values with commas between them; a value that holds a comma stands in double quotes. */
export function list(spec: OptionSpec, initial: readonly string[] = []): Option<readonly string[]> {
  const schema = z.preprocess(
    (value) =>
      typeof value === "string" ? splitList(value) : Array.isArray(value) ? value.flatMap(splitList) : value,
    z.array(z.string(), { error: ({ input }) => `must be a list of texts, got ${shown(input)}` }).readonly(),
  );
  return option(spec, { kind: "list", default: initial, schema, format: (value) => value.join(",") });
}

function splitList(value: unknown): unknown[] {
  if (typeof value !== "string") return [value];
  return Array.from(value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g), ([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"'),
  ).filter((part) => part !== "");
}

export function oneOf<const C extends readonly [string, ...string[]]>(
  spec: OptionSpec,
  choices: C,
  initial: C[number],
): Option<C[number]> {
  const schema = z.enum(choices, {
    error: ({ input }) => `must be one of ${choices.join(", ")}, got ${shown(input)}`,
  });
  return option<C[number]>(spec, { kind: "enum", choices, default: initial, schema });
}

/** A JSON object, given as text or written out in YAML. */
export function json(
  spec: OptionSpec,
  initial: Readonly<Record<string, unknown>> = {},
): Option<Readonly<Record<string, unknown>>> {
  const schema = z.preprocess(
    (value) => {
      if (typeof value !== "string") return value;
      try {
        return JSON.parse(value);
      } catch {
        return value; // The schema refuses it and says what is expected.
      }
    },
    z.record(z.string(), z.unknown(), { error: ({ input }) => `must be a JSON object, got ${shown(input)}` }),
  );
  return option<Readonly<Record<string, unknown>>>(spec, {
    kind: "json",
    default: initial,
    schema,
    format: (value) => JSON.stringify(value),
  });
}
