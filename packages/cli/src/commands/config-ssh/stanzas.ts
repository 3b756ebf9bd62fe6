import { CliError } from "../../cli-error.ts";
import { shellQuote } from "../../shell-quote.ts";
import type { SavedOptions } from "./config-block.ts";

/** What the deployment says, under what the user says. */
export type StanzaInput = {
  options: SavedOptions;
  prefix: string;
  suffix: string;
  deploymentOptions: Readonly<Record<string, string>>;
  /** How to start this program. */
  binary: readonly string[];
  globalConfig: string;
  /** Without wildcards: the hosts by name, as `dev` and `dev.main`. */
  hosts?: readonly string[];
  /** The `ssh` that reads them takes {@link fastCiphers}. */
  prefersFastCiphers?: boolean;
  platform?: NodeJS.Platform;
};

/** No server may decide these: they run programs here, or lead elsewhere (access.md 10.1). */
const refused = new Set([
  "host",
  "match",
  "include",
  "proxycommand",
  "proxyjump",
  "proxyusefdpass",
  "localcommand",
  "permitlocalcommand",
  "remotecommand",
  "knownhostscommand",
  "pkcs11provider",
  "securitykeyprovider",
  "identityagent",
]);

/** A session through us needs these; users and deployments may set them differently, as the first value counts. */
const defaults: readonly (readonly [string, string])[] = [
  ["ConnectTimeout", "0"],
  ["StrictHostKeyChecking", "no"],
  // The way is authenticated by the session; agents have a new host key at each start.
  ["UserKnownHostsFile", "/dev/null"],
  ["LogLevel", "ERROR"],
];

/**
 * OpenSSH would choose ChaCha20, which costs the agent more than twice the CPU time: the library of its SSH server has
 * no native code of its own. AES-GCM is Node's. The other ciphers stay where a server has only them.
 */
export const fastCiphers: readonly [string, string] = ["Ciphers", "^aes128-gcm@openssh.com"];

/**
 * The lines of our block (agent-and-apps.md 2.3): one stanza for all names with the prefix, two for those with the
 * suffix, of which the second steps back where Coder Desktop resolves the name.
 */
export function stanzas(input: StanzaInput): string[] {
  const { prefix, suffix, hosts } = input;
  refuseOddNames([prefix, suffix, ...(hosts ?? [])]);
  const own = optionLines(input).map((line) => `\t${line}`);
  const command = proxyCommand(input);
  const lines: string[] = [];
  if (prefix !== "") {
    const names = hosts ? hosts.map((host) => `${prefix}${host}`).join(" ") : `${prefix}*`;
    if (names !== "")
      lines.push(`Host ${names}`, ...own, `\tProxyCommand ${command} --ssh-host-prefix ${prefix} %h`, "");
  }
  if (suffix !== "") {
    const names = hosts ? hosts.map((host) => `${host}.${suffix}`) : [`*.${suffix}`];
    if (names.length > 0) {
      const exists = quote([...input.binary, "connect", "exists"], input);
      lines.push(
        `Host ${names.join(" ")}`,
        ...own,
        "",
        `Match host ${names.join(",")} !exec "${exists.replaceAll('"', '\\"')} %h"`,
        `\tProxyCommand ${command} --hostname-suffix ${suffix} %h`,
        "",
      );
    }
  }
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Prefix, suffix and workspaces are the server's words too, and stand where a blank, a line feed or a `$` would begin
 * another host, option or command of the shell that runs ProxyCommand.
 */
function refuseOddNames(names: readonly string[]): void {
  for (const name of names) {
    if (name === "" || /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(name)) continue;
    throw new CliError(`${JSON.stringify(name)} cannot be a part of a host name.`, {
      hint: "Letters, digits, dots, hyphens and underscores can. Give --ssh-host-prefix or --hostname-suffix, or tell the deployment's administrator. Nothing was changed.",
    });
  }
}

function optionLines({ options, deploymentOptions, prefersFastCiphers }: StanzaInput): string[] {
  for (const [name, value] of Object.entries(deploymentOptions)) {
    if (!refused.has(name.toLowerCase()) && /^[A-Za-z0-9]+$/.test(name) && !/[\r\n\0]/.test(value)) continue;
    throw new CliError(`The deployment wants to set the SSH option "${name}", which no deployment may.`, {
      hint: "Tell its administrator: --ssh-config-options of the server. Nothing was changed.",
    });
  }
  const seen = new Set<string>();
  const lines: string[] = [];
  const add = (name: string, value: string) => {
    const key = name.toLowerCase();
    if (seen.has(key) && !repeatable.has(key)) return;
    seen.add(key);
    // An empty value takes the option away.
    if (value !== "") lines.push(`${name} ${value}`);
  };
  for (const text of options.sshOptions) add(...parseSshOption(text));
  for (const [name, value] of [...Object.entries(deploymentOptions), ...defaults]) add(name, value);
  if (prefersFastCiphers) add(...fastCiphers);
  return lines;
}

/** Options of which every line counts, not only the first. */
const repeatable = new Set([
  "identityfile",
  "localforward",
  "remoteforward",
  "dynamicforward",
  "sendenv",
  "setenv",
]);

/** Reads `Name=value` or `Name value`. */
export function parseSshOption(text: string): [name: string, value: string] {
  const match = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|\s*$)([^\r\n\0]*)$/.exec(text);
  if (!match) throw new CliError(`--ssh-option: "${text}" is not of the form Name=value.`);
  return [match[1] ?? "", (match[2] ?? "").trim()];
}

function proxyCommand(input: StanzaInput): string {
  const { options, binary, globalConfig } = input;
  return quote(
    [
      ...binary,
      "--global-config",
      globalConfig,
      ...options.header.flatMap((header) => ["--header", header]),
      ...(options.headerCommand ? ["--header-command", options.headerCommand] : []),
      "ssh",
      "--stdio",
      ...(options.wait === "auto" ? [] : [`--wait=${options.wait}`]),
      ...(options.disableAutostart ? ["--disable-autostart=true"] : []),
    ],
    input,
  );
}

/** For the shell that OpenSSH starts; `%` begins its own placeholders. */
function quote(words: readonly string[], { platform = process.platform }: StanzaInput): string {
  for (const word of words) {
    if (/[\r\n\0]/.test(word))
      throw new CliError(`${JSON.stringify(word)} cannot stand in an SSH configuration file.`);
  }
  const text =
    platform === "win32"
      ? words
          .map((word) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`))
          .join(" ")
      : shellQuote(words);
  return text.replaceAll("%", "%%");
}
