import type { Pty } from "@slipway/proto/tunnel";
import { createExecChannel, type ExecChannel } from "../exec/exec-channel.ts";
import { createInputFeed } from "../exec/feed-input.ts";
import type { SessionDeps } from "../exec/serve-exec.ts";
import { errorText } from "../log/log.ts";
import type { TerminalProcess } from "../process/open-terminal.ts";
import { openSessionTerminal } from "../sessions/session-process.ts";
import { INTERNAL_FAILURE } from "../ssh/exit-codes.ts";
import type { IncomingStream } from "../streams/incoming-stream.ts";
import { createRingBuffer, type RingBuffer } from "./ring-buffer.ts";

const REPLAY_BYTES = 64 * 1024;
const LINGER_MS = 5 * 60_000;
const MAX_TERMINALS = 128;
const MAX_PENDING_INPUT_BYTES = 1024 * 1024;
/** A client that does not read holds the others up no longer than this. */
const SLOW_CLIENT_MS = 5_000;

type Terminal = {
  process: TerminalProcess;
  replay: RingBuffer;
  clients: Map<ExecChannel, { slowSince: number | undefined }>;
  lingering: NodeJS.Timeout | undefined;
};

/** Terminals that outlive their clients: the same id is the same terminal, for any number of clients at once. */
export type Terminals = {
  serve(incoming: IncomingStream, pty: Pty): Promise<void>;
  knows(id: string): boolean;
  /** Access was withdrawn: ends the terminal. True when there was one. */
  forget(id: string): boolean;
  readonly count: number;
};

export function createTerminals(deps: SessionDeps, options: { lingerMs?: number } = {}): Terminals {
  const lingerMs = options.lingerMs ?? LINGER_MS;
  // A promise, so that two clients that come at once share one terminal.
  const terminals = new Map<string, Promise<Terminal>>();

  const start = async (pty: Pty): Promise<Terminal> => {
    const greeting = pty.command === "" ? await deps.loginMessage() : "";
    const process = await openSessionTerminal(deps.context, {
      command: pty.command,
      env: {},
      term: "xterm-256color",
      size: { rows: pty.rows, cols: pty.cols },
    });
    const terminal: Terminal = {
      process,
      replay: createRingBuffer(REPLAY_BYTES),
      clients: new Map(),
      lingering: undefined,
    };
    if (greeting !== "") terminal.replay.write(Buffer.from(greeting));
    process.output.on("data", (chunk: Buffer) => broadcast(terminal, chunk));
    process.output.once("close", () => {
      terminals.delete(pty.id);
      clearTimeout(terminal.lingering);
      void process.exit.then((exit) => {
        const value = exit.signal === undefined ? { code: exit.code } : { code: 255, signal: exit.signal };
        for (const client of terminal.clients.keys()) {
          client.send({ case: "exit", value });
          client.end();
        }
      });
    });
    return terminal;
  };

  const terminalOf = (pty: Pty): Promise<Terminal> => {
    const known = terminals.get(pty.id);
    if (known !== undefined) return known;
    if (terminals.size >= MAX_TERMINALS) {
      throw new Error(`${MAX_TERMINALS} terminals are open in this workspace; close some first.`);
    }
    const fresh = start(pty);
    terminals.set(pty.id, fresh);
    fresh.catch(() => terminals.delete(pty.id));
    return fresh;
  };

  return {
    async serve(incoming, pty) {
      if (!/^[0-9a-fA-F-]{1,64}$/.test(pty.id)) {
        return incoming.refuse("unsupported", "A terminal needs a UUID as its id.");
      }
      const endActivity = deps.activity.openSession(
        "reconnecting_pty",
        incoming.open.caller?.connectionId || undefined,
      );
      let terminal: Terminal;
      try {
        terminal = await terminalOf(pty);
      } catch (error) {
        incoming.refuse("refused", errorText(error));
        endActivity(INTERNAL_FAILURE, errorText(error));
        return;
      }
      const { process } = terminal;
      const channel: ExecChannel = createExecChannel(incoming.accept(), {
        frame(frame) {
          if (frame.case === "resize") process.resize(frame.value);
          if (frame.case === "stdin") feed(frame.value);
        },
        end: () => channel.end(),
      });
      const feed = createInputFeed(process.input, channel, MAX_PENDING_INPUT_BYTES);
      clearTimeout(terminal.lingering);
      if (pty.rows > 0 && pty.cols > 0) process.resize(pty);
      const replay = terminal.replay.contents();
      if (replay.byteLength > 0) channel.send({ case: "stdout", value: replay });
      terminal.clients.set(channel, { slowSince: undefined });
      // It may have been stopped for the sake of one that was alone and did not read; now that one has only so long.
      process.output.resume();
      const forget = deps.sessions.add((reason) => {
        channel.send({ case: "exit", value: { code: 255, error: reason } });
        channel.end();
        process.signal("SIGHUP");
      });
      await channel.closed;
      forget();
      terminal.clients.delete(channel);
      process.output.resume();
      if (terminal.clients.size === 0) {
        // One that was too slow, and taken out of the list, closes after the last of the others.
        clearTimeout(terminal.lingering);
        terminal.lingering = setTimeout(() => process.signal("SIGHUP"), lingerMs).unref();
      }
      endActivity(0, "");
    },
    knows: (id) => terminals.has(id),
    forget(id) {
      const terminal = terminals.get(id);
      terminals.delete(id);
      void terminal?.then(
        ({ process, clients }) => {
          for (const client of clients.keys()) client.end();
          process.signal("SIGHUP");
          // A program that ignores the hang-up must not keep a terminal that nobody may use.
          setTimeout(() => process.signal("SIGKILL"), 1_000).unref();
        },
        () => {},
      );
      return terminal !== undefined;
    },
    get count() {
      return terminals.size;
    },
  };
}

function broadcast(terminal: Terminal, chunk: Buffer): void {
  terminal.replay.write(chunk);
  const now = performance.now();
  for (const [client, state] of terminal.clients) {
    if (client.send({ case: "stdout", value: chunk })) continue;
    state.slowSince ??= now;
    if (terminal.clients.size > 1 && now - state.slowSince > SLOW_CLIENT_MS) {
      terminal.clients.delete(client);
      client.end();
      continue;
    }
    terminal.process.output.pause();
    const wait = terminal.clients.size > 1 ? Promise.race([client.drained(), patience()]) : client.drained();
    void wait.then(() => {
      terminal.process.output.resume();
    });
    void client.drained().then(() => {
      state.slowSince = undefined;
    });
  }
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SLOW_CLIENT_MS).unref());
}
