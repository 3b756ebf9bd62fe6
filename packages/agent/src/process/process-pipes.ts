import { execFile, execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

const BATCH = 24;

export type ProcessPipes = {
  stdio: ["ignore" | number, number, number];
  stdin: Writable | undefined;
  stdout: Readable;
  stderr: Readable;
  /** To be called when input has ended: whoever opens `/dev/stdin` after that is let in. Returns what stops it. */
  admitLateReaders(): () => void;
  closeChildEnds(): void;
  destroy(): void;
};

/** Linux: a descriptor that only names the file, and counts neither as reader nor as writer. */
const O_PATH = 0o10000000;
const FIRST_ADMISSION_MS = 10;
const LAST_ADMISSION_MS = 250;

let dir: string | undefined;
let names: string[] = [];
let counter = 0;
let refilling = false;
let unavailable = false;

/**
 * Node gives children socket pairs, on which opening `/dev/stdout` fails with ENXIO, and scripts do
 * `echo … >/dev/stderr`. Named pipes, made in batches by `mkfifo` and unlinked as soon as both ends are open, are
 * pipes. Undefined where there is no mkfifo or nowhere to put them: the caller takes Node's own then.
 */
export function takeProcessPipes(withStdin: boolean): ProcessPipes | undefined {
  const opened: number[] = [];
  try {
    const output = takePipe(opened);
    const errors = takePipe(opened);
    const input = withStdin ? takePipe(opened, true) : undefined;
    if (output === undefined || errors === undefined || (withStdin && input === undefined)) {
      for (const fd of opened) closeSync(fd);
      return undefined;
    }
    const stdout = new Socket({ fd: output.read, readable: true, writable: false });
    const stderr = new Socket({ fd: errors.read, readable: true, writable: false });
    const stdin = input && new Socket({ fd: input.write, readable: false, writable: true });
    const childEnds = [output.write, errors.write, ...(input === undefined ? [] : [input.read])];
    return {
      stdio: [input?.read ?? "ignore", output.write, errors.write],
      stdin,
      stdout,
      stderr,
      admitLateReaders: () => admitLateReaders(input?.path),
      closeChildEnds: () => {
        for (const fd of childEnds.splice(0)) closeSync(fd);
      },
      destroy: () => {
        if (input?.path !== undefined) closeQuietly(input.path);
        for (const stream of [stdin, stdout, stderr]) stream?.destroy();
      },
    };
  } catch {
    // Out of descriptors or a temporary directory that was cleaned up: sockets serve as well.
    for (const fd of opened) closeQuietly(fd);
    forgetNames();
    return undefined;
  }
}

/** Removes the directory of spare pipes; at the end of the program. */
export function removeSparePipes(): void {
  forgetNames();
}

/**
 * Opening a named pipe for reading waits for a writer, even where bytes lie in it: `echo x | ssh … 'sleep 1; cat
 * /dev/stdin'` would wait for ever. A writer that comes and goes lets such a reader in; it then finds the bytes and
 * their end.
 */
function admitLateReaders(path: number | undefined): () => void {
  if (path === undefined) return () => {};
  let waitMs = FIRST_ADMISSION_MS;
  const admit = () => {
    try {
      closeSync(openSync(`/proc/self/fd/${path}`, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      // ENXIO: nobody reads at the moment.
    }
    waitMs = Math.min(LAST_ADMISSION_MS, waitMs * 2);
    timer = setTimeout(admit, waitMs);
  };
  let timer = setTimeout(admit, waitMs);
  return () => {
    clearTimeout(timer);
    closeQuietly(path);
  };
}

type TakenPipe = { read: number; write: number; path?: number };

function takePipe(opened: number[], withPath = false): TakenPipe | undefined {
  const name = takeName();
  if (name === undefined) return undefined;
  const open = (flags: number) => {
    const fd = openSync(name, flags);
    opened.push(fd);
    return fd;
  };
  // Open for both first: then neither of the others waits, and neither inherits O_NONBLOCK, which programs mistake.
  const both = openSync(name, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const ends = { read: open(constants.O_RDONLY), write: open(constants.O_WRONLY) };
    return withPath ? { ...ends, path: open(O_PATH) } : ends;
  } finally {
    closeSync(both);
    unlinkSync(name);
  }
}

function takeName(): string | undefined {
  if (unavailable || process.platform !== "linux") return undefined;
  if (names.length === 0) {
    const batch = nextBatch();
    try {
      execFileSync("mkfifo", ["-m", "600", ...batch], { stdio: "ignore" });
      names = batch;
    } catch {
      unavailable = true;
      forgetNames();
      return undefined;
    }
  } else if (names.length < 6 && !refilling) {
    const batch = nextBatch();
    refilling = true;
    execFile("mkfifo", ["-m", "600", ...batch], (error) => {
      refilling = false;
      if (error === null) names.push(...batch);
    });
  }
  return names.shift();
}

function nextBatch(): string[] {
  dir ??= mkdtempSync(join(tmpdir(), "coder-pipes-"));
  const base = dir;
  return Array.from({ length: BATCH }, () => join(base, String(counter++)));
}

function forgetNames(): void {
  names = [];
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  dir = undefined;
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Owned by a socket that has closed it.
  }
}
