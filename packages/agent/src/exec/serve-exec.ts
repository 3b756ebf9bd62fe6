import type { Readable } from "node:stream";
import type { Exec, ExecFrame } from "@slipway/proto/tunnel";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { errorText, type Log } from "../log/log.ts";
import { signalName } from "../process/exit-status.ts";
import type { LoginMessage } from "../sessions/login-message.ts";
import type { OpenSessions } from "../sessions/open-sessions.ts";
import { type Foreground, startForeground } from "../sessions/start-foreground.ts";
import { INTERNAL_FAILURE } from "../ssh/exit-codes.ts";
import type { Activity } from "../stats/activity.ts";
import { takeSessionType } from "../stats/session-type.ts";
import type { IncomingStream } from "../streams/incoming-stream.ts";
import { createExecChannel, type ExecChannel } from "./exec-channel.ts";
import { createInputFeed } from "./feed-input.ts";
import { listenForAgent } from "./forward-exec-agent.ts";

const MAX_PENDING_STDIN_BYTES = 1024 * 1024;
/** Answers of a forwarded ssh-agent come behind the input: a program that waits for one must not wait for the other. */
const MAX_PENDING_STDIN_WITH_AGENT_BYTES = 16 * 1024 * 1024;

export type SessionDeps = {
  context: WorkspaceContext;
  loginMessage: LoginMessage;
  activity: Activity;
  sessions: OpenSessions;
  log: Log;
};

/** A command or login shell without SSH. */
export async function serveExec(deps: SessionDeps, incoming: IncomingStream, exec: Exec): Promise<void> {
  const { app, env } = takeSessionType(exec.env);
  const endActivity = deps.activity.openSession(app, incoming.open.caller?.connectionId || undefined);
  let handle: (frame: ExecFrame["frame"]) => void = () => {};
  const channel = createExecChannel(incoming.accept(), {
    frame: (frame) => handle(frame),
    end: () => handle({ case: "stdinEof", value: true }),
  });
  // Nothing is read, not even the end, before there is somebody to give it to.
  channel.pause();

  const agent = exec.forwardAgent ? await listenForAgent(channel, deps.log) : undefined;
  let started: Foreground;
  try {
    const extraEnv: Record<string, string> = agent === undefined ? {} : { SSH_AUTH_SOCK: agent.path };
    const terminal = exec.tty ? { term: exec.term, rows: exec.rows, cols: exec.cols } : undefined;
    started = await startForeground(deps, { command: exec.command, env, extraEnv }, terminal, (message) =>
      channel.send({ case: "stdout", value: message }),
    );
  } catch (error) {
    channel.send({ case: "exit", value: { code: INTERNAL_FAILURE, error: errorText(error) } });
    channel.end();
    agent?.close();
    endActivity(INTERNAL_FAILURE, errorText(error));
    return;
  }
  const { stdin } = started;
  const maxPending = agent === undefined ? MAX_PENDING_STDIN_BYTES : MAX_PENDING_STDIN_WITH_AGENT_BYTES;
  const feed = stdin && createInputFeed(stdin, channel, maxPending);
  handle = (frame) => {
    switch (frame.case) {
      case "stdin":
        return feed?.(frame.value);
      case "stdinEof":
        // A terminal has no end of input but the character that its line discipline knows.
        if (!exec.tty) stdin?.end();
        return;
      case "resize":
        return started.resize(frame.value);
      case "signal": {
        const name = signalName(frame.value);
        return name === undefined ? undefined : started.signal(name);
      }
      case "agentChannel":
        return agent?.receive(frame.value);
      default:
        return;
    }
  };
  channel.resume();

  const forget = deps.sessions.add((reason) => {
    channel.send({ case: "exit", value: { code: 255, error: reason } });
    channel.end();
    started.signal("SIGHUP");
  });
  // The client has gone: what it started in the foreground ends, what was detached goes on.
  let exited = false;
  void channel.closed.then(() => {
    if (!exited) started.signal("SIGHUP");
  });
  await Promise.all(started.outputs.map(({ source, kind }) => pump(source, kind, channel)));
  const exit = await started.exit;
  exited = true;
  channel.send({
    case: "exit",
    value: exit.signal === undefined ? { code: exit.code } : { code: 255, signal: exit.signal },
  });
  channel.end();
  forget();
  agent?.close();
  endActivity(exit.code ?? 255, exit.signal ?? "");
}

async function pump(source: Readable, kind: "stdout" | "stderr", channel: ExecChannel): Promise<void> {
  void channel.closed.then(() => source.resume());
  source.on("data", (chunk: Buffer) => {
    if (channel.send({ case: kind, value: chunk })) return;
    source.pause();
    void channel.drained().then(() => source.resume());
  });
  await new Promise<void>((resolve) => {
    if (source.closed) return resolve();
    source.once("close", resolve);
  });
}
