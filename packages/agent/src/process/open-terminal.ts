import { writeSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { errorCode, errorText } from "../log/log.ts";
import { shellQuote } from "../self-command.ts";
import { type ExitStatus, exitStatus, signalGroup, signalOfNumber } from "./exit-status.ts";
import { loadPtyNative, type PtyNative, spawnHelperPath } from "./load-pty-native.ts";
import { existingDirectory, startProcess } from "./start-process.ts";

/** The kernel's exit notice can overtake the last bytes of the terminal: they are read until this long a silence. */
const SILENCE_AFTER_EXIT_MS = 50;
const RETRY_WRITE_MS = 5;

export type TerminalSize = { rows: number; cols: number };

export type TerminalProcess = {
  pid: number;
  /** Ends after the last byte. */
  output: Readable;
  input: Writable;
  resize(size: TerminalSize): void;
  /** To the process group of the shell. */
  signal(name: NodeJS.Signals): void;
  exit: Promise<ExitStatus>;
};

export type TerminalOptions = {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  size: TerminalSize;
};

/**
 * Starts a program on a terminal of its own. Where the native part cannot be loaded, `script` of the workspace
 * image stands in for it, and the user is told so.
 */
export async function openTerminal(options: TerminalOptions): Promise<TerminalProcess> {
  let native: PtyNative;
  try {
    native = loadPtyNative();
  } catch (error) {
    return openWithScript(options, errorText(error));
  }
  return openNative(native, options);
}

function openNative(native: PtyNative, options: TerminalOptions): TerminalProcess {
  const [file, ...args] = options.argv;
  const cwd = existingDirectory(options.cwd);
  const env = Object.entries({ ...options.env, PWD: cwd }).map(([name, value]) => `${name}=${value}`);
  const { rows, cols } = usableSize(options.size);
  let onExit: (status: ExitStatus) => void = () => {};
  const exit = new Promise<ExitStatus>((resolve) => {
    onExit = resolve;
  });
  const term = native.fork(
    file ?? "/bin/sh",
    args,
    env,
    cwd,
    cols,
    rows,
    -1,
    -1,
    true,
    spawnHelperPath(),
    (code, signal) => onExit(exitStatus(code, signal === 0 ? null : signalOfNumber(signal))),
  );
  const tty = new ReadStream(term.fd);
  let open = true;
  let ended = false;
  tty.on("close", () => {
    open = false;
  });
  const output = readTerminal(tty, exit);
  const input = new Writable({
    highWaterMark: 64 * 1024,
    write(chunk: Buffer, _encoding, callback) {
      writeAll(chunk, 0, callback);
    },
  });
  input.on("error", () => {});
  // Not through the stream: libuv would spin in a blocking write while the program does not read its input.
  const writeAll = (chunk: Buffer, from: number, callback: (error?: Error | null) => void) => {
    if (!open) return callback();
    let offset = from;
    try {
      while (offset < chunk.byteLength)
        offset += writeSync(term.fd, chunk, offset, Math.min(1024, chunk.byteLength - offset));
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") return callback();
      setTimeout(() => writeAll(chunk, offset, callback), RETRY_WRITE_MS);
      return;
    }
    callback();
  };
  void exit.then(() => {
    ended = true;
  });
  return {
    pid: term.pid,
    output,
    input,
    exit,
    resize(size) {
      const usable = usableSize(size);
      if (open) native.resize(term.fd, usable.cols, usable.rows);
    },
    signal: (name) => (ended ? undefined : signalGroup(term.pid, name)),
  };
}

function readTerminal(tty: ReadStream, exit: Promise<ExitStatus>): Readable {
  let exited = false;
  let timer: NodeJS.Timeout | undefined;
  const output = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      tty.resume();
      if (exited) awaitSilence();
    },
    destroy(error, callback) {
      clearTimeout(timer);
      tty.destroy();
      callback(error);
    },
  });
  const finish = () => {
    clearTimeout(timer);
    exited = false;
    if (!output.destroyed && !output.readableEnded) output.push(null);
    tty.destroy();
  };
  // Silence counts only while we read: a slow client must not lose what is still in the terminal.
  const awaitSilence = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (tty.isPaused() ? undefined : finish()), SILENCE_AFTER_EXIT_MS);
  };
  tty.on("data", (chunk: Buffer) => {
    clearTimeout(timer);
    if (!output.push(chunk)) tty.pause();
    else if (exited) awaitSilence();
  });
  // EIO: the last process on the terminal has closed it.
  tty.on("error", finish);
  tty.on("end", finish);
  tty.pause();
  void exit.then(() => {
    exited = true;
    if (!tty.isPaused()) awaitSilence();
  });
  output.on("error", () => {});
  return output;
}

/** The stand-in for a native part that does not load, for `reason`. */
export async function openWithScript(options: TerminalOptions, reason: string): Promise<TerminalProcess> {
  const command = `stty rows ${options.size.rows || 24} cols ${options.size.cols || 80} 2>/dev/null; exec ${shellQuote(options.argv)}`;
  const child = await startProcess({
    argv: ["script", "-qefc", command, "/dev/null"],
    cwd: options.cwd,
    env: { ...options.env, SHELL: "/bin/sh" },
    stdin: "pipe",
  }).catch((error) => {
    throw new Error(
      `This workspace cannot open a terminal: the native part does not load (${reason}), and there is no "script" program to stand in for it (${errorText(error)}). Commands without a terminal work.`,
    );
  });
  const note = `coder: the window cannot be resized here: the terminal's native part does not load (${reason})\r\n`;
  const output = Readable.from(withNote(note, child.stdout), { objectMode: false });
  child.stderr.resume();
  return {
    pid: child.pid,
    output,
    input: child.stdin ?? new Writable({ write: (_chunk, _encoding, callback) => callback() }),
    exit: child.exit,
    resize() {},
    signal: (name) => child.signal(name),
  };
}

async function* withNote(note: string, source: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(note);
  for await (const chunk of source) yield chunk;
}

function usableSize(size: TerminalSize): TerminalSize {
  const side = (value: number, fallback: number) =>
    Number.isInteger(value) && value > 0 ? Math.min(value, 10_000) : fallback;
  return { rows: side(size.rows, 24), cols: side(size.cols, 80) };
}
