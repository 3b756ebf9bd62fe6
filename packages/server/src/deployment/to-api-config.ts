import type { general } from "@slipway/api";
import type { LoadedConfig } from "../config/load-config.ts";
import type { Option } from "../config/option.ts";
import { type ServerConfig, type ServerOptionKey, serverOptionEntries } from "../config/server-options.ts";

/**
 * The configuration as the API shows it. Of secrets not even the length is told.
 *
 * @param sources Where the values were read from; none when the server was started by a program that made them.
 */
export function toApiConfig(
  config: ServerConfig,
  sources: LoadedConfig["sources"] | null,
): general.DeploymentConfig {
  const tree: Record<string, unknown> = {};
  const options = serverOptionEntries.map(([key, option]) => {
    const value = shownValue(config, key, option);
    setPath(tree, jsonPath(option), value);
    return {
      name: option.flag,
      description: option.description,
      flag: option.flag,
      flag_shorthand: option.shorthand ?? "",
      env: option.env,
      yaml: option.yaml?.join(".") ?? "",
      default: option.format(option.default),
      value,
      value_source: sources?.[key] ?? (isDefault(config, key, option) ? "default" : ""),
      group: { name: option.group.name, yaml: option.group.yaml.join(".") },
      hidden: option.hidden,
      annotations: option.secret ? { secret: "true" } : {},
    };
  });
  return { config: tree, options };
}

function shownValue(config: ServerConfig, key: ServerOptionKey, option: Option): unknown {
  const value = config[key];
  if (option.secret) return option.kind === "list" ? [] : "";
  // Durations are nanoseconds in Coder's API.
  return option.kind === "duration" ? Number(value) * 1_000_000 : value;
}

function isDefault(config: ServerConfig, key: ServerOptionKey, option: Option): boolean {
  return option.format(config[key]) === option.format(option.default);
}

// Where Coder's answer keeps a group of settings, and which prefix of the flags the group's name replaces.
const sections: Record<string, readonly [path: readonly string[], prefix: string]> = {
  "Networking / TLS": [["tls"], "tls-"],
  "Networking / Relay": [["derp", "server"], "derp-server-"],
  "OAuth2 / GitHub": [["oauth2", "github"], "oauth2-github-"],
  "OAuth2 / Provider": [["oauth2", "provider"], "oauth2-provider-"],
  OIDC: [["oidc"], "oidc-"],
  Provisioning: [["provisioner"], "provisioner-"],
  Retention: [["retention"], ""],
  "Introspection / Logging": [["logging"], "log-"],
  "Introspection / Prometheus": [["prometheus"], "prometheus-"],
  "Introspection / pprof": [["pprof"], "pprof-"],
  "Introspection / Tracing": [["trace"], "trace-"],
  Notifications: [["notifications"], "notifications-"],
  "Notifications / Email": [["notifications", "email"], "notifications-email-"],
  Email: [["email"], "email-"],
};

const sessionFlags = new Set([
  "session-duration",
  "disable-session-expiry-refresh",
  "default-token-lifetime",
  "max-token-lifetime",
  "max-admin-token-lifetime",
]);

function jsonPath(option: Option): string[] {
  const snake = (flag: string) => flag.replaceAll("-", "_");
  if (sessionFlags.has(option.flag)) return ["session_lifetime", snake(option.flag)];
  if (option.flag === "api-rate-limit") return ["rate_limit", "api"];
  if (option.flag === "dangerous-disable-rate-limits") return ["rate_limit", "disable_all"];
  const [path, prefix] = sections[option.group.name] ?? [[], ""];
  const name = option.flag.startsWith(prefix) ? option.flag.slice(prefix.length) : option.flag;
  return [...path, snake(name)];
}

function setPath(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const part of path.slice(0, -1)) {
    const child = node[part];
    // Every inner node was made by this loop.
    node = (typeof child === "object" && child !== null ? child : (node[part] = {})) as Record<
      string,
      unknown
    >;
  }
  node[path.at(-1)!] = value;
}
