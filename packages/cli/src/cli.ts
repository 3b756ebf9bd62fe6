import type { Client } from "@slipway/api/client";
import { version } from "./build-info.ts";
import { CliError } from "./cli-error.ts";
import { type ConfigDir, openConfigDir } from "./config-dir.ts";
import { createFetch } from "./http-fetch.ts";
import { type Colors, colorsFor } from "./output/colors.ts";

/** What the global flags say, after flag > environment > configuration directory (cli.md 1). */
export type GlobalOptions = {
  url?: string;
  token?: string;
  globalConfig: string;
  header: string[];
  headerCommand?: string;
  verbose: boolean;
  forceTty: boolean;
  noVersionWarning: boolean;
  agentToken?: string;
  agentTokenFile?: string;
  agentUrl?: string;
  auth: string;
  /** Print the options of the command instead of running it. */
  debugOptions: boolean;
  noOpen: boolean;
};

/** Everything a command may use of the world. Results go to stdout by `print`, all else to stderr by `say`. */
export type Cli = {
  readonly globals: GlobalOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly config: ConfigDir;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Colours for stdout and for stderr. */
  readonly out: Colors;
  readonly err: Colors;
  /** Aborted by SIGINT and SIGTERM, unless the command took the signals over. */
  readonly signal: AbortSignal;
  /** May the command ask? True when stdin and stderr are a terminal (or `--force-tty`). */
  readonly interactive: boolean;
  /** Path or name by which this program was started, for hints. */
  readonly self: string;
  print(text: string): void;
  say(text: string): void;
  /** A debug line, shown with --verbose. */
  debug(text: string): void;
  /** URL of the deployment, or the error that says how to log in. */
  url(): Promise<string>;
  token(): Promise<string | undefined>;
  /** A client with the stored session. */
  client(): Promise<Client>;
  /** A client for an explicit deployment, such as one that is being logged in to. */
  clientFor(url: string, token: string | undefined): Promise<Client>;
  /** Extra headers of `--header` and `--header-command`. */
  headers(): Promise<Record<string, string>>;
};

export function createCli(options: {
  globals: GlobalOptions;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  self: string;
  streams?: Pick<Cli, "stdin" | "stdout" | "stderr">;
}): Cli {
  const { globals, env, signal, self } = options;
  const { stdin, stdout, stderr } = options.streams ?? process;
  const config = openConfigDir(globals.globalConfig);
  let warned = false;
  let headersOnce: Promise<Record<string, string>> | undefined;

  const say = (text: string) => void stderr.write(`${text}\n`);

  async function url(): Promise<string> {
    const found = globals.url ?? (await config.read("url"));
    if (!found) {
      throw new CliError("You are not logged in.", {
        hint: `Try logging in using '${self} login <url>', or set CODER_URL to the address of the deployment.`,
      });
    }
    return normalizeUrl(found);
  }

  const token = async () => globals.token ?? (await config.read("session"));
  const headers = () => (headersOnce ??= readHeaders(globals, env));

  async function clientFor(deployment: string, sessionToken: string | undefined): Promise<Client> {
    const [{ createClient }, extra] = await Promise.all([import("@slipway/api/client"), headers()]);
    return createClient({
      url: deployment,
      token: sessionToken,
      headers: extra,
      userAgent: `slipway-cli/${version}`,
      fetch: createFetch(env),
      onResponse(res) {
        const theirs = res.headers.get("X-Coder-Build-Version");
        if (theirs && theirs !== version && !warned && !globals.noVersionWarning) {
          warned = true;
          say(`version mismatch: client ${version}, server ${theirs}`);
        }
        const entitlements = res.headers.get("X-Coder-Entitlements-Warning");
        if (entitlements) say(entitlements);
      },
    });
  }

  return {
    globals,
    env,
    config,
    stdin,
    stdout,
    stderr,
    out: colorsFor(stdout, env),
    err: colorsFor(stderr, env),
    signal,
    interactive: globals.forceTty || (Boolean(stdin.isTTY) && Boolean(stderr.isTTY)),
    self,
    print: (text) => void stdout.write(text.endsWith("\n") || text === "" ? text : `${text}\n`),
    say,
    debug: (text) => {
      if (globals.verbose) say(colorsFor(stderr, env).dim(text));
    },
    url,
    token,
    client: async () => clientFor(await url(), await token()),
    clientFor,
    headers,
  };
}

/** How long the program of `--header-command` may take. */
const headerCommandMs = 30_000;

/** `coder.example.com` means https; a trailing slash means nothing. */
export function normalizeUrl(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(withScheme) || !/^https?:$/.test(new URL(withScheme).protocol)) {
    throw new CliError(`"${text}" is not the URL of a deployment.`, {
      hint: "Give the address of the deployment, such as https://coder.example.com.",
    });
  }
  return withScheme.replace(/\/+$/, "");
}

async function readHeaders(globals: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const add = (line: string, source: string) => {
    const at = line.indexOf("=");
    if (at < 1) throw new CliError(`${source}: "${line}" is not of the form name=value.`);
    headers[line.slice(0, at).trim()] = line.slice(at + 1);
  };
  for (const line of globals.header) add(line, "--header");
  if (globals.headerCommand) {
    const { execFile } = await import("node:child_process");
    const { promisify } = await import("node:util");
    // The flag is a shell command by contract (cli.md 1), given by the very person who runs us.
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", globals.headerCommand], {
      env,
      timeout: headerCommandMs,
    }).catch((err: Error & { code?: number | string; killed?: boolean; stderr?: string }) => {
      const how = err.killed ? `did not end within ${headerCommandMs / 1000} s` : `ended with ${err.code}`;
      throw new CliError(`The program of --header-command ${how}: ${globals.headerCommand}`, {
        ...(err.stderr ? { hint: err.stderr.trimEnd() } : {}),
        cause: err,
      });
    });
    for (const line of stdout.split("\n").filter((one) => one.trim() !== ""))
      add(line.trim(), "--header-command");
  }
  return headers;
}
