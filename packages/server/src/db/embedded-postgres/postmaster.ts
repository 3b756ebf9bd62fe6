import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";
import type { PostgresDirectory } from "./directory.ts";
import type { PostgresLog } from "./log.ts";
import { postgresEnvironment, runCommand } from "./run-command.ts";

/** Recovery after a crash replays the write-ahead log before Postgres is ready. */
const readyTimeoutMs = 300_000;
const fastShutdownMs = 60_000;
const immediateShutdownMs = 10_000;

export type Postmaster = {
  pid: number;
  /** Settles when the process has ended, for whatever reason. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Rolls back what is open and ends every connection. */
  stop(): Promise<void>;
};

export type PostmasterOptions = {
  binaries: PostgresBinaries;
  dir: PostgresDirectory;
  socketDir: string;
  account: Account | undefined;
  sync: boolean;
  log: PostgresLog;
  signal: AbortSignal | undefined;
};

/** Starts the server process and waits until it accepts connections. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { dir, log } = options;
  const [file, args, credentials] = await command(options);
  // A process group of its own: Ctrl-C must not stop Postgres before the server has ended its requests.
  const child = spawn(file, args, {
    cwd: dir.root,
    env: postgresEnvironment,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    ...credentials,
  });
  await once(child, "spawn");
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const stop = (): Promise<void> => stopProcess(child, exited, log);
  const lastLines: string[] = [];
  const ready = Promise.withResolvers<void>();
  const lines = createInterface({ input: child.stderr });
  lines.on("line", (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    writeLine(log, line);
    if (line.endsWith("database system is ready to accept connections")) ready.resolve();
  });
  const timeout = AbortSignal.timeout(readyTimeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  const onAbort = (): void => ready.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    await Promise.race([
      ready.promise,
      exited.then(({ code, signal: killer }) => {
        throw new Error(
          `The built-in Postgres in ${dir.root} ended at its start (${killer ?? `status ${code}`}): ${lastLines.join("\n")}`,
        );
      }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  // Set once spawned, which was waited for.
  return { pid: child.pid as number, exited, stop };
}

type Credentials = { uid?: number; gid?: number };

/**
 * With util-linux at hand, the kernel interrupts Postgres when we die, even by kill -9. Elsewhere the next start
 * ends what is left.
 */
async function command(options: PostmasterOptions): Promise<[file: string, args: string[], Credentials]> {
  const { account, binaries } = options;
  const postgres = [binaries.postgres, ...postgresArguments(options)];
  const setpriv = ["setpriv", "--pdeathsig", "INT"];
  if (account !== undefined)
    setpriv.push("--reuid", `${account.uid}`, "--regid", `${account.gid}`, "--clear-groups");
  setpriv.push("--");
  const [program = "", ...rest] = [...setpriv, ...postgres];
  const probe = await runCommand(program, [...rest.slice(0, setpriv.length - 1), "true"]).catch(() => null);
  if (probe?.code === 0) return [program, rest, {}];
  return [binaries.postgres, postgres.slice(1), account ?? {}];
}

function postgresArguments({ dir, socketDir, sync }: PostmasterOptions): string[] {
  const settings: Record<string, string> = {
    // Only a Unix socket: workspaces of the local template share our network.
    listen_addresses: "",
    unix_socket_permissions: "0700",
    max_connections: "200",
    // Rows and statements may hold secrets; the log names errors only.
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
    log_line_prefix: "",
    ...(sync ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const args = ["-D", dir.data, "-k", socketDir];
  for (const [name, value] of Object.entries(settings)) args.push("-c", `${name}=${value}`);
  return args;
}

function writeLine(log: PostgresLog, line: string): void {
  const match = /^(\w+):\s+(.*)$/.exec(line);
  const text = match?.[2] ?? line;
  switch (match?.[1]) {
    case "PANIC":
      log.error(text);
      break;
    case "FATAL":
    case "WARNING":
      log.warn(text);
      break;
    default:
      // Failed statements are reported by whoever sent them.
      log.debug(text);
  }
}

async function stopProcess(child: ChildProcess, exited: Promise<unknown>, log: PostgresLog): Promise<void> {
  const steps = [
    ["SIGINT", fastShutdownMs],
    ["SIGQUIT", immediateShutdownMs],
    ["SIGKILL", immediateShutdownMs],
  ] as const;
  for (const [signal, timeoutMs] of steps) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (signal !== "SIGINT")
      log.warn({ signal }, "the built-in Postgres does not stop; sending a stronger signal");
    child.kill(signal);
    const timer = new AbortController();
    await Promise.race([exited, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }
}
