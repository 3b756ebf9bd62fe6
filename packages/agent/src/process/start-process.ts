import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { statSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { type ExitStatus, exitStatus, signalGroup } from "./exit-status.ts";
import { type ProcessPipes, takeProcessPipes } from "./process-pipes.ts";

export type RunningProcess = {
  pid: number;
  stdin: Writable | undefined;
  stdout: Readable;
  stderr: Readable;
  /** Resolves when the process has ended; its pipes may be open longer, in the hands of its children. */
  exit: Promise<ExitStatus>;
  /** To the whole process group. */
  signal(name: NodeJS.Signals): void;
};

/**
 * Starts a program with pipes, in a process group of its own. Rejects when it cannot be started. The pipes are real
 * ones where possible: Node's own are sockets, which `/dev/stdout` and `/dev/stderr` cannot be opened on.
 */
export async function startProcess(options: {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  stdin: "pipe" | "none";
}): Promise<RunningProcess> {
  const [file, ...args] = options.argv;
  if (file === undefined) throw new Error("No program to start.");
  const pipes = takeProcessPipes(options.stdin === "pipe");
  try {
    const stdin = options.stdin === "pipe" ? "pipe" : "ignore";
    const stdio: StdioOptions = pipes?.stdio ?? [stdin, "pipe", "pipe"];
    const child = spawn(file, args, {
      cwd: existingDirectory(options.cwd),
      env: options.env,
      stdio,
      detached: true,
    });
    await started(child);
    return running(child, pipes);
  } catch (error) {
    pipes?.destroy();
    throw error;
  } finally {
    pipes?.closeChildEnds();
  }
}

function running(child: ChildProcess, pipes: ProcessPipes | undefined): RunningProcess {
  const pid = child.pid;
  const stdout = pipes?.stdout ?? child.stdout;
  const stderr = pipes?.stderr ?? child.stderr;
  if (pid === undefined || stdout === null || stderr === null) throw new Error("The process has no pipes.");
  const stdin = pipes?.stdin ?? child.stdin ?? undefined;
  // EPIPE when the program does not read its input, ECONNRESET when it ends: neither concerns the agent.
  for (const stream of [stdin, stdout, stderr]) stream?.on("error", () => {});
  let ended = false;
  let dismiss = () => {};
  stdin?.once("close", () => {
    dismiss = pipes?.admitLateReaders() ?? dismiss;
    if (ended) dismiss();
  });
  const exit = new Promise<ExitStatus>((resolve) => {
    child.once("exit", (code, signal) => {
      ended = true;
      dismiss();
      stdin?.destroy();
      resolve(exitStatus(code, signal));
    });
  });
  return { pid, stdin, stdout, stderr, exit, signal: (name) => (ended ? undefined : signalGroup(pid, name)) };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

/** A working directory that went away must not read as "the shell is missing". */
export function existingDirectory(...candidates: string[]): string {
  for (const dir of candidates) {
    try {
      if (statSync(dir).isDirectory()) return dir;
    } catch {
      // Try the next one.
    }
  }
  return "/";
}
