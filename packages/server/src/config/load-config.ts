import { parse as parseYaml } from "yaml";
import type { Option } from "./option.ts";
import { type ServerConfig, type ServerOptionKey, serverOptionEntries } from "./server-options.ts";

export type ValueSource = "flag" | "env" | "yaml" | "default";

export type LoadedConfig = {
  config: ServerConfig;
  /** Where each value came from, as `/deployment/config` shows. */
  sources: Readonly<Record<ServerOptionKey, ValueSource>>;
};

export type ConfigInput = {
  /** Values of flags by option key, as text; lists may be arrays. */
  flags?: Partial<Record<ServerOptionKey, string | boolean | readonly string[] | undefined>>;
  env?: Readonly<Record<string, string | undefined>>;
  /** Text of the YAML file. */
  yaml?: string | undefined;
};

/** Settings that cannot be used, one line for each, naming it as the operator wrote it. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Reads the server's settings: a flag wins over the environment, that over the YAML file, and that over
 * the default. All problems are told at once.
 */
export function loadConfig(input: ConfigInput = {}): LoadedConfig {
  const problems: string[] = [];
  const file = readYaml(input.yaml, problems);
  const values: Record<string, unknown> = {};
  const sources: Record<string, ValueSource> = {};
  for (const [key, option] of serverOptionEntries) {
    const given = firstGiven(option, input.flags?.[key], input.env ?? {}, file);
    sources[key] = given.source;
    if (given.source === "default") {
      values[key] = option.default;
      continue;
    }
    const parsed = option.schema.safeParse(given.value);
    if (parsed.success) values[key] = parsed.data;
    else problems.push(`${given.name} ${parsed.error.issues.map((issue) => issue.message).join(", ")}.`);
  }
  const config = Object.freeze(values) as ServerConfig; // Every key was parsed by its own option's schema.
  if (problems.length === 0) problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, sources: Object.freeze(sources) as Record<ServerOptionKey, ValueSource> };
}

type Given = { source: ValueSource; name: string; value: unknown };

function firstGiven(
  option: Option,
  flag: unknown,
  env: Readonly<Record<string, string | undefined>>,
  file: unknown,
): Given {
  if (flag !== undefined) return { source: "flag", name: `--${option.flag}`, value: flag };
  const variable = env[option.env];
  // An empty variable means "not set", as compose files and unit files have it.
  if (variable !== undefined && variable !== "") return { source: "env", name: option.env, value: variable };
  const path = option.yaml;
  const value = path?.reduce<unknown>(
    (node, part) => (typeof node === "object" && node !== null ? Reflect.get(node, part) : undefined),
    file,
  );
  if (value !== undefined && value !== null) return { source: "yaml", name: path!.join("."), value };
  return { source: "default", name: option.flag, value: undefined };
}

function readYaml(text: string | undefined, problems: string[]): unknown {
  if (text === undefined) return undefined;
  let file: unknown;
  try {
    file = parseYaml(text);
  } catch (err) {
    problems.push(`The configuration file is not valid YAML: ${err instanceof Error ? err.message : err}`);
    return undefined;
  }
  const known = new Set(serverOptionEntries.flatMap(([, option]) => option.yaml?.join(".") ?? []));
  problems.push(
    ...unknownPaths(file, known, []).map((path) => `${path} in the configuration file is not known.`),
  );
  return file;
}

function unknownPaths(node: unknown, known: ReadonlySet<string>, path: readonly string[]): string[] {
  const name = path.join(".");
  if (known.has(name) || node === null || node === undefined) return [];
  if (typeof node !== "object" || Array.isArray(node)) return [name === "" ? "The content" : name];
  const isPrefix = name === "" || [...known].some((each) => each.startsWith(`${name}.`));
  if (!isPrefix) return [name];
  return Object.entries(node).flatMap(([part, child]) => unknownPaths(child, known, [...path, part]));
}

/** Settings that are fine one by one and not together. */
function contradictions(config: ServerConfig): string[] {
  const problems: string[] = [];
  if (config.tlsEnable && config.tlsCertFiles.length === 0) {
    problems.push("--tls-enable needs --tls-cert-file and --tls-key-file.");
  }
  if (config.tlsCertFiles.length !== config.tlsKeyFiles.length) {
    problems.push(
      "--tls-cert-file and --tls-key-file must be given equally often: each certificate has one key.",
    );
  }
  if (!config.tlsEnable && config.httpAddress === "") {
    problems.push("Nothing to listen on: give --http-address, or --tls-enable with a certificate.");
  }
  const weak = config.tlsCiphers.filter((cipher) => /RC4|DES|NULL|EXP|MD5|ADH|AECDH/i.test(cipher));
  if (weak.length > 0 && !config.tlsAllowInsecureCiphers) {
    problems.push(
      `--tls-ciphers has weak suites: ${weak.join(", ")}. --tls-allow-insecure-ciphers accepts them.`,
    );
  }
  const verifies =
    config.tlsClientAuth === "verify-if-given" || config.tlsClientAuth === "require-and-verify";
  if (verifies && config.tlsClientCaFile === "") {
    problems.push(`--tls-client-auth ${config.tlsClientAuth} needs --tls-client-ca-file.`);
  }
  if (config.samesiteAuthCookie === "none" && config.secureAuthCookie === "false") {
    problems.push("--samesite-auth-cookie none needs secure cookies: browsers refuse it otherwise.");
  }
  return problems;
}
