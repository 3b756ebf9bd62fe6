import type { Connection, ServerChannel, Session } from "ssh2";
import { errorText } from "../log/log.ts";
import { signalName } from "../process/exit-status.ts";
import type { TerminalSize } from "../process/open-terminal.ts";
import { type Foreground, startForeground } from "../sessions/start-foreground.ts";
import { takeSessionType } from "../stats/session-type.ts";
import { BLOCKED_MESSAGE, isFileTransfer } from "./block-file-transfer.ts";
import { createChannelWriter } from "./channel-writer.ts";
import { BLOCKED_FILE_TRANSFER, INTERNAL_FAILURE, SIGNALLED } from "./exit-codes.ts";
import { forwardSshAgent } from "./forward-ssh-agent.ts";
import { serveSftp } from "./sftp/sftp-server.ts";
import type { SshDeps } from "./ssh-service.ts";
import { forwardX11, type X11Request } from "./x11-forward.ts";

const MAX_ENV_ENTRIES = 256;
const MAX_ENV_BYTES = 128 * 1024;

type Pty = TerminalSize & { term: string };

/** One session channel: requests first, then one shell, command or subsystem. */
export function serveSession(deps: SshDeps, client: Connection, session: Session): void {
  const requested: Record<string, string> = {};
  let requestedBytes = 0;
  let pty: Pty | undefined;
  let wantsAgent = false;
  let x11: X11Request | undefined;
  let running: Foreground | undefined;
  const closed = new Promise<void>((resolve) => {
    // The session's close is the client's message; the connection's close comes alone when it is cut.
    session.once("close", resolve);
    client.once("close", resolve);
  });

  session.on("error", (error: Error) => deps.log.debug({ error: errorText(error) }, "ssh session"));
  session.on("env", (accept, reject, { key, val }) => {
    requestedBytes += key.length + val.length;
    if (Object.keys(requested).length >= MAX_ENV_ENTRIES || requestedBytes > MAX_ENV_BYTES) return reject?.();
    requested[key] = val;
    accept?.();
  });
  session.on("pty", (accept, _reject, info) => {
    // The declared type lacks the terminal's name.
    const { term = "" } = info as typeof info & { term?: string };
    pty = { term, rows: info.rows, cols: info.cols };
    accept?.();
  });
  session.on("window-change", (accept, _reject, { rows, cols }) => {
    if (pty !== undefined) pty = { ...pty, rows, cols };
    running?.resize({ rows, cols });
    accept?.();
  });
  session.on("auth-agent", (accept) => {
    wantsAgent = true;
    accept?.();
  });
  session.on("x11", (accept, _reject, info) => {
    x11 = info as unknown as X11Request; // the declared type lacks the screen of the wire format
    accept?.();
  });
  session.on("signal", (accept, _reject, { name }) => {
    const signal = signalName(name);
    if (signal !== undefined) running?.signal(signal);
    accept?.();
  });
  session.on("shell", (accept) => begin(accept(), ""));
  session.on("exec", (accept, _reject, { command }) => begin(accept(), command));
  session.on("subsystem", (accept, reject, { name }) => {
    if (name !== "sftp") return reject?.();
    void sftp(accept()).catch((error: unknown) => deps.log.warn({ error: errorText(error) }, "sftp"));
  });

  const begin = (channel: ServerChannel, command: string) => {
    void run(channel, command).catch((error: unknown) => {
      deps.log.warn({ error: errorText(error) }, "ssh session failed");
      channel.close();
    });
  };

  const run = async (channel: ServerChannel, command: string): Promise<void> => {
    channel.on("error", () => {});
    const { app, env } = takeSessionType(requested);
    const endActivity = deps.activity.openSession(app);
    const writer = createChannelWriter(channel, closed);
    const finish = (code: number, reason: string) => {
      channel.exit(code);
      channel.end();
      // Unread input would keep the channel from closing.
      channel.resume();
      endActivity(code, reason);
    };
    if (deps.blockFileTransfer && isFileTransfer(command)) {
      await writer.write("stderr", Buffer.from(`${BLOCKED_MESSAGE}\n`));
      return finish(BLOCKED_FILE_TRANSFER, BLOCKED_MESSAGE);
    }
    const agent = wantsAgent ? await forwardSshAgent(client, deps.log) : undefined;
    const display = x11 === undefined ? undefined : await forwardX11(client, x11, deps);
    const stopForwards = () => {
      agent?.close();
      display?.close();
    };
    try {
      const extraEnv = {
        ...(agent && { SSH_AUTH_SOCK: agent.path }),
        ...(display && { DISPLAY: display.name, XAUTHORITY: display.xauthority }),
      };
      running = await startForeground(deps, { command, env, extraEnv }, pty, (message) =>
        writer.write("stdout", message),
      );
    } catch (error) {
      stopForwards();
      await writer.write("stderr", Buffer.from(`coder: ${errorText(error)}\n`));
      return finish(INTERNAL_FAILURE, errorText(error));
    }
    const started = running;
    // A window that changed while the shell was starting.
    if (pty !== undefined) started.resize(pty);
    if (started.stdin !== undefined) {
      started.stdin.on("error", () => {});
      channel.pipe(started.stdin, { end: pty === undefined });
    }
    let exited = false;
    void closed.then(() => {
      // The client has gone: what runs in the foreground ends, what was detached goes on.
      if (!exited) started.signal("SIGHUP");
      stopForwards();
    });
    await Promise.all(started.outputs.map(({ source, kind }) => writer.pump(source, kind)));
    const exit = await started.exit;
    exited = true;
    stopForwards();
    finish(exit.code ?? SIGNALLED, exit.signal ?? "");
  };

  const sftp = async (channel: ServerChannel): Promise<void> => {
    channel.on("error", () => {});
    const endActivity = deps.activity.openSession(takeSessionType(requested).app);
    const writer = createChannelWriter(channel, closed);
    let code = 0;
    if (deps.blockFileTransfer) {
      await writer.write("stderr", Buffer.from(`${BLOCKED_MESSAGE}\n`));
      code = BLOCKED_FILE_TRANSFER;
    } else {
      await serveSftp({
        input: channel,
        write: (packet) => writer.write("stdout", packet),
        home: deps.context.account.home,
        closed,
        log: deps.log,
      });
    }
    // scp on macOS takes a missing status for a failure.
    channel.exit(code);
    channel.end();
    channel.resume();
    endActivity(code, "");
  };
}
