import type { Readable, Writable } from "node:stream";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import type { ExitStatus } from "../process/exit-status.ts";
import type { TerminalSize } from "../process/open-terminal.ts";
import type { LoginMessage } from "./login-message.ts";
import { openSessionTerminal, type SessionRequest, startSessionProcess } from "./session-process.ts";

/** What a session runs, with or without a terminal, as the protocol that carries it needs it. */
export type Foreground = {
  outputs: { source: Readable; kind: "stdout" | "stderr" }[];
  stdin: Writable | undefined;
  exit: Promise<ExitStatus>;
  resize(size: TerminalSize): void;
  signal(name: NodeJS.Signals): void;
};

/**
 * Starts the command or login shell of a session. Who logs in on a terminal is greeted first: `greet` sends that on
 * its way before anything that the shell prints.
 */
export async function startForeground(
  deps: { context: WorkspaceContext; loginMessage: LoginMessage },
  request: SessionRequest,
  terminal: (TerminalSize & { term: string }) | undefined,
  greet: (message: Buffer) => unknown,
): Promise<Foreground> {
  if (terminal === undefined) {
    const child = await startSessionProcess(deps.context, request);
    return {
      outputs: [
        { source: child.stdout, kind: "stdout" },
        { source: child.stderr, kind: "stderr" },
      ],
      stdin: child.stdin,
      exit: child.exit,
      resize() {},
      signal: child.signal,
    };
  }
  if (request.command === "") {
    const message = await deps.loginMessage();
    if (message !== "") await greet(Buffer.from(message));
  }
  const { term, ...size } = terminal;
  const opened = await openSessionTerminal(deps.context, { ...request, term, size });
  return {
    outputs: [{ source: opened.output, kind: "stdout" }],
    stdin: opened.input,
    exit: opened.exit,
    resize: opened.resize,
    signal: opened.signal,
  };
}
