import type { Client } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { ReadyAgent } from "../../ready-agent.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import { startExecSession } from "./exec-session.ts";
import { openRawTerminal } from "./raw-terminal.ts";
import { createReconnectNotice } from "./reconnect-notice.ts";
import type { SessionLog } from "./session-log.ts";
import { watchForEnd } from "./watch-workspace.ts";

export type WorkspaceProgram = {
  /** A command line for the user's shell; empty for a login shell. */
  command: string;
  tty: boolean;
  env?: Readonly<Record<string, string>>;
  /** Socket of the ssh-agent that is forwarded. */
  agentSocket?: string | undefined;
  /** Longest pause between two looks at whether the workspace still runs. */
  pollMs?: number;
  /** Asked every now and then while the connection is away: a reason not to look for it any more. */
  whyOver?: () => Promise<string | undefined>;
  log?: SessionLog;
};

/** Each step of an orderly end takes at most this long (agent-and-apps.md 2.2). */
const stepMs = 2_000;
/** What takes no time need not be watched. */
const watchAfterMs = 2_000;
const defaultPollMs = 60_000;
const overPollMs = 500;
const interruptKey = 0x03;
/** What ssh says when the connection, not the program, has failed. */
export const brokenLinkStatus = 255;
const hangupStatus = 129;
const signalBase = 128;

/**
 * Runs a program in the workspace on our own stdin, stdout and stderr, and returns its exit status. A lost
 * connection is restored; when it cannot be, the error has exit code 255.
 */
export async function runInWorkspace(
  cli: Cli,
  client: Client,
  tunnel: Tunnel,
  { workspace }: ReadyAgent,
  program: WorkspaceProgram,
): Promise<number> {
  const { stdin, stdout, stderr } = cli;
  const { tty, log } = program;
  const ended = new AbortController();
  const notice = createReconnectNotice(stderr);
  const terminal = tty ? openRawTerminal(stdin, stdout) : undefined;
  let endReason: CliError | undefined;
  let isAway = false;

  const size = terminal?.size();
  const stream = tunnel.openResumable(
    {
      case: "exec",
      value: {
        command: program.command,
        tty,
        ...(size ? { ...size, term: cli.env.TERM ?? "xterm-256color" } : {}),
        env: { ...program.env },
        forwardAgent: program.agentSocket !== undefined,
      },
    },
    {
      onState(state, cause) {
        isAway = state === "reconnecting";
        log?.write(`${state}${cause ? `: ${cause.message}` : ""}`);
        notice.show(state);
        // Keys must reach us while nobody takes them: one of them gives up.
        if (isAway && tty) session.readInput(true);
      },
    },
  );
  const giveUp = (reason: CliError) => {
    endReason ??= reason;
    stream.destroy(endReason);
  };
  const session = startExecSession({
    stream,
    stdin,
    stdout,
    stderr,
    agentSocket: program.agentSocket,
    // Output that waited at the other end comes before we are told that the connection is back.
    beforeOutput: () => notice.show("connected"),
    filterInput(chunk) {
      if (!isAway || !tty) return chunk;
      if (chunk.includes(interruptKey)) {
        giveUp(new CliError("Given up while the connection was away.", { exitCode: brokenLinkStatus }));
      }
      return stream.writableNeedDrain ? undefined : chunk;
    },
  });
  terminal?.onResize((now) => session.send({ case: "resize", value: now }));

  // A terminal sends Ctrl-C as a key; this is for programs without one, and for whoever signals us.
  const onInterrupt = () => {
    const reason: unknown = cli.signal.reason;
    const exitCode = reason instanceof CliError ? reason.exitCode : signalBase + 15;
    session.send({ case: "signal", value: exitCode === 130 ? "INT" : "TERM" });
    setTimeout(() => giveUp(new CliError("Interrupted.", { exitCode })), stepMs).unref();
  };
  const onHangup = () => giveUp(new CliError("Hung up.", { exitCode: hangupStatus }));
  cli.signal.addEventListener("abort", onInterrupt, { once: true });
  process.once("SIGHUP", onHangup);
  const watch = setTimeout(() => {
    void watchForEnd(cli, client, workspace, {
      pollMs: program.pollMs ?? defaultPollMs,
      signal: ended.signal,
      onEnd: (reason) => giveUp(new CliError(reason, { exitCode: brokenLinkStatus })),
    });
  }, watchAfterMs).unref();
  const { whyOver } = program;
  const lookWhetherOver = async () => {
    const reason = isAway ? await whyOver?.() : undefined;
    if (reason !== undefined && isAway) giveUp(new CliError(reason, { exitCode: brokenLinkStatus }));
  };
  const overWatch = whyOver && setInterval(() => void lookWhetherOver(), overPollMs).unref();

  try {
    const { code, signal, error } = await session.exit;
    if (error) throw new CliError(error, { exitCode: code || 1 });
    log?.write(`exit ${signal || code}`);
    return signal ? signalStatus(signal) : code;
  } catch (err) {
    const failure = endReason ?? err;
    log?.write(`ended: ${failure instanceof Error ? failure.message : String(failure)}`);
    throw asLinkError(failure);
  } finally {
    clearTimeout(watch);
    clearInterval(overWatch);
    ended.abort();
    notice.close();
    terminal?.restore();
    stdin.pause();
    cli.signal.removeEventListener("abort", onInterrupt);
    process.off("SIGHUP", onHangup);
  }
}

/** A broken link has the status that ssh gives it; errors with a status of their own keep it. */
export function asLinkError(err: unknown): CliError {
  if (err instanceof CliError && err.exitCode !== 1) return err;
  const { message } = err instanceof Error ? err : { message: String(err) };
  const hint = err instanceof CliError ? err.hint : undefined;
  return new CliError(message, { exitCode: brokenLinkStatus, cause: err, ...(hint ? { hint } : {}) });
}

/** What a shell would report of a program that a signal ended. */
function signalStatus(name: string): number {
  const numbers: Record<string, number> = {
    HUP: 1,
    INT: 2,
    QUIT: 3,
    ABRT: 6,
    KILL: 9,
    SEGV: 11,
    PIPE: 13,
    TERM: 15,
  };
  const number = numbers[name.replace(/^SIG/, "")];
  return number === undefined ? brokenLinkStatus : signalBase + number;
}
