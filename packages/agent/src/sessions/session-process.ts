import { existsSync } from "node:fs";
import { findShell, isExecutable } from "../environment/account.ts";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { openTerminal, type TerminalProcess, type TerminalSize } from "../process/open-terminal.ts";
import { type RunningProcess, startProcess } from "../process/start-process.ts";

export type SessionRequest = {
  /** Empty: a login shell. */
  command: string;
  /** What the client asked for, and what the session adds (`SSH_AUTH_SOCK`, `DISPLAY`). */
  env: Record<string, string>;
  extraEnv?: Record<string, string>;
};

export function startSessionProcess(
  context: WorkspaceContext,
  request: SessionRequest,
): Promise<RunningProcess> {
  return startProcess({
    argv: shellArgv(context, request.command),
    cwd: context.workingDirectory(),
    env: { ...context.environment(request.env), ...request.extraEnv },
    stdin: "pipe",
  });
}

export function openSessionTerminal(
  context: WorkspaceContext,
  request: SessionRequest & { term: string; size: TerminalSize },
): Promise<TerminalProcess> {
  const argv = shellArgv(context, request.command);
  // Only the process on the terminal can learn its name.
  const named = isExecutable("/bin/sh")
    ? ["/bin/sh", "-c", 'SSH_TTY=$(tty 2>/dev/null) && export SSH_TTY; exec "$@"', "sh", ...argv]
    : argv;
  return openTerminal({
    argv: named,
    cwd: context.workingDirectory(),
    env: { ...context.environment(request.env), TERM: request.term || "xterm-256color", ...request.extraEnv },
    size: request.size,
  });
}

function shellArgv(context: WorkspaceContext, command: string): string[] {
  const shell = findShell(context.account);
  return command === "" ? [shell, "-l"] : [shell, "-c", command];
}

/** `~/.hushlogin` keeps the message of the day away, as everywhere. */
export function wantsSilence(context: WorkspaceContext): boolean {
  return existsSync(`${context.account.home}/.hushlogin`);
}
