import { type Command, Option } from "commander";
import type { Cli, GlobalOptions } from "./cli.ts";
import { readWords } from "./command-line-words.ts";
import { defaultConfigDir } from "./config-dir.ts";
import { type OptionRow, shownValue } from "./option-rows.ts";

type Declared = {
  flags: string;
  env?: string;
  description: string;
  hidden?: boolean;
  list?: boolean;
  takesValue: boolean;
};

/** The flags that every command accepts, before or behind its name (cli.md 1). */
const declared: readonly Declared[] = [
  { flags: "--url <url>", env: "CODER_URL", description: "URL of the deployment", takesValue: true },
  {
    flags: "--token <token>",
    env: "CODER_SESSION_TOKEN",
    description: "session token; the environment variable is the better place",
    takesValue: true,
  },
  {
    flags: "--global-config <dir>",
    env: "CODER_CONFIG_DIR",
    description: "configuration directory",
    takesValue: true,
  },
  {
    flags: "--header <name=value>",
    env: "CODER_HEADER",
    description: "extra header for every request (repeatable)",
    list: true,
    takesValue: true,
  },
  {
    flags: "--header-command <command>",
    env: "CODER_HEADER_COMMAND",
    description: "program that prints extra headers as name=value lines",
    takesValue: true,
  },
  {
    flags: "--use-keyring",
    env: "CODER_USE_KEYRING",
    description: "keep the session in the system's keyring (macOS and Windows; a file elsewhere)",
    hidden: true,
    takesValue: false,
  },
  {
    flags: "--no-version-warning",
    env: "CODER_NO_VERSION_WARNING",
    description: "do not warn when client and server differ in version",
    takesValue: false,
  },
  {
    flags: "--no-feature-warning",
    env: "CODER_NO_FEATURE_WARNING",
    description: "accepted; there are no licences to warn about",
    takesValue: false,
  },
  {
    flags: "--disable-direct-connections",
    env: "CODER_DISABLE_DIRECT_CONNECTIONS",
    description: "accepted; connections go through the server's relay",
    takesValue: false,
  },
  {
    flags: "--disable-network-telemetry",
    env: "CODER_DISABLE_NETWORK_TELEMETRY",
    description: "accepted; there is no telemetry",
    takesValue: false,
  },
  {
    flags: "--force-tty",
    env: "CODER_FORCE_TTY",
    description: "treat stdin as a terminal",
    takesValue: false,
  },
  {
    flags: "-v, --verbose",
    env: "CODER_VERBOSE",
    description: "show what happens, and stacks of errors",
    takesValue: false,
  },
  {
    flags: "--debug-options",
    description: "print each option and where its value comes from, then end",
    takesValue: false,
  },
  {
    flags: "--no-open",
    env: "CODER_NO_OPEN",
    description: "print URLs instead of opening a browser",
    hidden: true,
    takesValue: false,
  },
  {
    flags: "--agent-token <token>",
    env: "CODER_AGENT_TOKEN",
    description: "token of the workspace agent",
    hidden: true,
    takesValue: true,
  },
  {
    flags: "--agent-token-file <path>",
    env: "CODER_AGENT_TOKEN_FILE",
    description: "file with the token of the workspace agent",
    hidden: true,
    takesValue: true,
  },
  {
    flags: "--agent-url <url>",
    env: "CODER_AGENT_URL",
    description: "URL of the deployment, for the workspace agent",
    hidden: true,
    takesValue: true,
  },
  {
    flags: "--auth <kind>",
    env: "CODER_AGENT_AUTH",
    description: "how the workspace agent authenticates",
    hidden: true,
    takesValue: true,
  },
];

const valueFlags = new Set(
  declared
    .filter((one) => one.takesValue)
    .flatMap((one) => one.flags.split(/[ ,]+/))
    .filter((word) => word.startsWith("-")),
);

/** The words of a command line that are not global flags, up to `--`: what names the command. */
export function commandWords(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") break;
    if (valueFlags.has(word)) i++;
    else if (!word.startsWith("-")) words.push(word);
  }
  return words;
}

export function addGlobalOptions(program: Command): void {
  for (const one of declared) {
    const text = one.env ? `${one.description} (env: ${one.env})` : one.description;
    const option = new Option(one.flags, text).helpGroup("Global options:");
    if (one.hidden) option.hideHelp();
    if (one.list)
      option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
    program.addOption(option);
  }
}

const globalFlags = new Set(declared.map(({ flags }) => new Option(flags).long));

export function isGlobalOption(option: Option): boolean {
  return globalFlags.has(option.long);
}

/**
 * The words of a command line in which global flags may be, once the command is known: its own options are left out
 * with their values, which may look like anything, and so is all that is behind `--`.
 */
export function globalWords(argv: readonly string[], command: Command): string[] {
  return readWords(argv, command)
    .filter(({ option, isBehindDashes }) => !isBehindDashes && (!option || isGlobalOption(option)))
    .map(({ text }) => text);
}

/** The global options as `--debug-options` shows them: what is set, and where. */
export async function globalOptionRows(cli: Cli, argv: readonly string[]): Promise<OptionRow[]> {
  const given = new Map<string, string>();
  const known = new Map(
    declared.flatMap((one) => one.flags.split(/[ ,]+/).map((word) => [word, one] as const)),
  );
  for (const [at, word] of argv.entries()) {
    if (word === "--") break;
    const [flag = "", inline] = word.split(/=(.*)/s, 2);
    const one = known.get(flag);
    if (one) given.set(one.flags, inline ?? (one.takesValue ? (argv[at + 1] ?? "") : "true"));
  }
  const rows = declared
    .filter((one) => !one.hidden && one.flags !== "--debug-options")
    .map(async (one): Promise<OptionRow> => {
      const name = new Option(one.flags).long?.slice(2) ?? one.flags;
      const { value, source } = await whatIsSet(one, name);
      return { option: `--${name}`, value: shownValue(name, value), source };
    });
  return Promise.all(rows);

  async function whatIsSet(
    one: Declared,
    name: string,
  ): Promise<{ value: string | undefined; source: string }> {
    const flag = given.get(one.flags);
    if (flag !== undefined) return { value: flag, source: "flag" };
    const variable = one.env && cli.env[one.env];
    if (variable) return { value: variable, source: "env" };
    // What a login has left there.
    const file = name === "url" ? "url" : name === "token" ? "session" : undefined;
    const kept = file && (await cli.config.read(file));
    if (kept) return { value: kept, source: "config" };
    return { value: name === "global-config" ? cli.globals.globalConfig : undefined, source: "default" };
  }
}

function isTrue(text: string | undefined): boolean {
  return ["1", "true", "t", "yes"].includes((text ?? "").toLowerCase());
}

/**
 * Reads the global flags out of a command line, wherever they stand, without knowing the command's own options; once
 * those are known, it is given {@link globalWords}.
 * Flag beats environment; an empty variable counts as unset.
 */
export function readGlobalOptions(argv: readonly string[], env: NodeJS.ProcessEnv): GlobalOptions {
  const values = new Map<string, string[]>();
  const switches = new Map<string, boolean>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") break;
    const [flag = "", inline] = word.split(/=(.*)/s, 2);
    if (valueFlags.has(flag)) {
      const value = inline ?? argv[++i];
      if (value !== undefined) values.set(flag, [...(values.get(flag) ?? []), value]);
    } else if (word.startsWith("-")) {
      switches.set(flag, inline === undefined || isTrue(inline));
    }
  }
  const isOn = (name: string, ...flags: string[]) =>
    flags.map((flag) => switches.get(flag)).find((given) => given !== undefined) ?? isTrue(env[name]);
  const one = (flag: string, name: string) => values.get(flag)?.at(-1) ?? (env[name] || undefined);
  const url = one("--url", "CODER_URL");
  const token = one("--token", "CODER_SESSION_TOKEN");
  const headerCommand = one("--header-command", "CODER_HEADER_COMMAND");
  const agentToken = one("--agent-token", "CODER_AGENT_TOKEN");
  const agentTokenFile = one("--agent-token-file", "CODER_AGENT_TOKEN_FILE");
  const agentUrl = one("--agent-url", "CODER_AGENT_URL");
  return {
    ...(url ? { url } : {}),
    ...(token ? { token } : {}),
    ...(headerCommand ? { headerCommand } : {}),
    ...(agentToken ? { agentToken } : {}),
    ...(agentTokenFile ? { agentTokenFile } : {}),
    ...(agentUrl ? { agentUrl } : {}),
    auth: one("--auth", "CODER_AGENT_AUTH") ?? "token",
    globalConfig: one("--global-config", "CODER_CONFIG_DIR") ?? defaultConfigDir(env),
    header: values.get("--header") ?? (env.CODER_HEADER ? env.CODER_HEADER.split(",") : []),
    verbose: isOn("CODER_VERBOSE", "-v", "--verbose"),
    forceTty: isOn("CODER_FORCE_TTY", "--force-tty"),
    noVersionWarning: isOn("CODER_NO_VERSION_WARNING", "--no-version-warning"),
    debugOptions: switches.get("--debug-options") ?? false,
    noOpen: isOn("CODER_NO_OPEN", "--no-open"),
  };
}
