import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { Supervisor } from "./supervisor.ts";

export type TerraformCommand = {
  binary: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  supervisor: Supervisor;
  interrupt: AbortSignal;
  force: AbortSignal;
  leaseRemainingMs(): number;
  /** A line of standard output. Output is read on when it resolves. */
  onLine?(line: string): void | Promise<void>;
  onErrorLine?(line: string): void | Promise<void>;
  /** Longer lines of standard output are cut. Default 1 MiB: nobody reads more, and nothing of ours prints it. */
  maxLineBytes?: number;
  /** From the first SIGINT to the second. */
  secondInterruptMs?: number;
  /** From the first SIGINT to SIGKILL (provisioning.md §1.10: three minutes). */
  killAfterMs?: number;
};

export type TerraformExit = { code: number | null; signal: NodeJS.Signals | null; interrupted: boolean };

const MAX_LINE_BYTES = 1024 * 1024;
const SUPERVISE_EVERY_MS = 1_000;

/**
 * Runs one command of the engine in a process group of its own, with the escalation of engine.md §6:
 * SIGINT, after a grace period a second SIGINT, then SIGKILL to the group.
 */
export async function runTerraform(command: TerraformCommand): Promise<TerraformExit> {
  command.interrupt.throwIfAborted();
  command.force.throwIfAborted();
  const { binary: file, args, cwd, env } = command;
  const { child, go } = command.supervisor.prepare({ file, args, cwd, env });
  const exited = exitOf(child);
  const groupId = child.pid;
  if (groupId === undefined) return exited.then(() => Promise.reject(new Error("The shell did not start.")));

  command.supervisor.watch(groupId, command.leaseRemainingMs());
  command.supervisor.hold(groupId, [child.stdout, child.stderr]);
  const supervise = setInterval(
    () => command.supervisor.watch(groupId, command.leaseRemainingMs()),
    SUPERVISE_EVERY_MS,
  );
  // The supervisor knows of the group: now it may start.
  go();

  const ending = escalate(groupId, command);
  try {
    const [exit] = await Promise.all([
      exited,
      readLines(child.stdout, command.onLine, command.maxLineBytes),
      readLines(child.stderr, command.onErrorLine),
      // What was cancelled may have left children behind that hold the pipes open; who was killed (by the kernel, for
      // its memory) or has crashed ended none of its providers and steps. What a whole run leaves behind may stay.
      exited.then((exit) => {
        if (ending.interrupted() || hasCrashed(exit)) kill(groupId, "SIGKILL");
      }),
    ]);
    return { ...exit, interrupted: ending.interrupted() };
  } finally {
    clearInterval(supervise);
    ending.stop();
    command.supervisor.forget(groupId);
  }
}

/** Terraform itself ends with 0 or 1, a Go program that panics with 2. */
const hasCrashed = ({ code, signal }: Exit) => signal !== null || (code ?? 0) > 1;

type Exit = { code: number | null; signal: NodeJS.Signals | null };

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

function escalate(groupId: number, command: TerraformCommand): { interrupted(): boolean; stop(): void } {
  const timers: NodeJS.Timeout[] = [];
  let interrupted = false;
  const after = (ms: number, signal: NodeJS.Signals) =>
    timers.push(setTimeout(() => kill(groupId, signal), ms).unref());
  const onInterrupt = () => {
    interrupted = true;
    kill(groupId, "SIGINT");
    after(command.secondInterruptMs ?? 120_000, "SIGINT");
    after(command.killAfterMs ?? 180_000, "SIGKILL");
  };
  const onForce = () => {
    interrupted = true;
    kill(groupId, "SIGKILL");
  };
  if (command.interrupt.aborted) onInterrupt();
  if (command.force.aborted) onForce();
  command.interrupt.addEventListener("abort", onInterrupt, { once: true });
  command.force.addEventListener("abort", onForce, { once: true });
  return {
    interrupted: () => interrupted,
    stop() {
      for (const timer of timers) clearTimeout(timer);
      command.interrupt.removeEventListener("abort", onInterrupt);
      command.force.removeEventListener("abort", onForce);
    },
  };
}

function kill(groupId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-groupId, signal);
  } catch {
    // The group has ended.
  }
}

async function readLines(
  stream: Readable | null,
  onLine: TerraformCommand["onLine"],
  maxBytes = MAX_LINE_BYTES,
): Promise<void> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const emit = async (end: Buffer) => {
    const line = Buffer.concat([...pending, end.subarray(0, Math.max(0, maxBytes - pendingBytes))]);
    pending = [];
    pendingBytes = 0;
    if (onLine !== undefined && line.length > 0) await onLine(line.toString("utf8").replace(/\r$/, ""));
  };
  if (stream === null) return; // Only without "pipe", which is what we ask for.
  for await (const data of stream) {
    let chunk: Buffer = data;
    for (let newline = chunk.indexOf(10); newline !== -1; newline = chunk.indexOf(10)) {
      await emit(chunk.subarray(0, newline));
      chunk = chunk.subarray(newline + 1);
    }
    if (pendingBytes < maxBytes && chunk.length > 0) {
      const kept = chunk.subarray(0, maxBytes - pendingBytes);
      pending.push(kept);
      pendingBytes += kept.length;
    }
  }
  await emit(Buffer.alloc(0));
}
