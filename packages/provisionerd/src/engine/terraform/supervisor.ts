import { type ChildProcess, type SendHandle, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { createWaitingProcesses, type Program, type WaitingProcess } from "./waiting-processes.ts";

/**
 * Ends process groups that outlive their daemon. One small process per engine, told of every group before
 * its program starts: it kills a group when its time is up, that is when the daemon has been frozen for the
 * rest of the job's lease, and all of them when the daemon died and their common pipe closed. So no second
 * build of a workspace meets a first one that is still running (architecture.md, "Losing contact").
 *
 * It also holds the ends at which the daemon reads: Terraform, asked to end when its daemon died, would otherwise be
 * killed by its next word. So it ends in order, taints what is half done, and writes its state.
 */
export type Supervisor = {
  /** From now on the group is killed `remainingMs` from now. Repeat it to let the group live on. */
  watch(groupId: number, remainingMs: number): void;
  forget(groupId: number): void;
  /** Reads these outputs of the group on when the daemon has died. To be called once for a group. */
  hold(groupId: number, outputs: readonly (Readable | null)[]): void;
  /** A process in a group of its own, to be watched before it is told to go. */
  prepare(program: Program): WaitingProcess;
  /** Of the supervising process. */
  readonly pid: number | undefined;
  close(): void;
};

// Runs on its own, as text: it must not depend on files that an upgrade replaces under it.
const PROGRAM = `
"use strict";
const net = require("node:net");
const groups = new Map();
const signal = (id, name) => { try { process.kill(-id, name); } catch {} };
const wake = () => {
  clearTimeout(wake.timer);
  const now = performance.now();
  let next = Infinity;
  for (const [id, at] of groups) {
    if (at <= now) { groups.delete(id); signal(id, "SIGKILL"); }
    else next = Math.min(next, at);
  }
  if (next < Infinity) wake.timer = setTimeout(wake, Math.ceil(next - now));
};
const held = new Map();
let isOrphan = false;
const drain = (handle) => new net.Socket({ handle }).on("error", () => {}).resume();
process.on("message", (id, handle) => {
  if (handle === undefined) {
    for (const each of held.get(id) ?? []) each.close();
    held.delete(id);
  } else if (isOrphan) drain(handle);
  else held.set(id, [...(held.get(id) ?? []), handle]);
});
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const [verb, id, ms] = line.split(" ");
    if (verb === "watch") groups.set(Number(id), performance.now() + Number(ms));
    else groups.delete(Number(id));
  }
  wake();
});
process.stdin.on("end", () => {
  if (groups.size === 0) process.exit(0);
  isOrphan = true;
  for (const handles of held.values()) handles.forEach(drain);
  const graceEnds = performance.now() + ${5_000};
  for (const [id, at] of groups) { signal(id, "SIGINT"); groups.set(id, Math.min(at, graceEnds)); }
  setInterval(() => {
    for (const id of groups.keys()) { try { process.kill(-id, 0); } catch { groups.delete(id); } }
    wake();
    if (groups.size === 0) process.exit(0);
  }, 50);
});
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {});
`;

export function startSupervisor(): Supervisor {
  const groups = new Map<number, number>();
  const held = new Map<number, SendHandle[]>();
  let closed = false;
  let child = launch();
  const waiting = createWaitingProcesses();

  function launch(): ChildProcess {
    const started = spawn(process.execPath, ["--max-semi-space-size=1", "-e", PROGRAM], {
      // Only what the program needs: no credential of the daemon shall lie in one more environment.
      env: {},
      stdio: ["pipe", "ignore", "ignore", "ipc"],
      detached: true,
    });
    started.unref();
    started.channel?.unref();
    // A pipe's errors come with the exit, which is handled below.
    started.stdin?.on("error", () => {});
    started.on("error", () => {});
    started.once("exit", () => {
      if (closed) return;
      child = launch();
      for (const [groupId, endsAt] of groups)
        send(`watch ${groupId} ${Math.max(0, endsAt - performance.now())}`);
      for (const [groupId, handles] of held) handOver(groupId, handles);
    });
    return started;
  }

  const send = (line: string) => void child.stdin?.write(`${line}\n`);

  // On a channel of their own: what goes with a handle waits for the answer to the one before.
  const tell = (groupId: number, handle?: SendHandle) => {
    // A supervisor that has ended is replaced, and told again.
    if (child.connected) child.send(groupId, handle, () => {});
  };
  const handOver = (groupId: number, handles: readonly SendHandle[]) => {
    for (const handle of handles) tell(groupId, handle);
  };

  return {
    watch(groupId, remainingMs) {
      const ms = Math.max(0, Math.round(remainingMs));
      groups.set(groupId, performance.now() + ms);
      send(`watch ${groupId} ${ms}`);
    },
    forget(groupId) {
      groups.delete(groupId);
      send(`forget ${groupId}`);
      if (held.delete(groupId)) tell(groupId);
    },
    hold(groupId, outputs) {
      const handles = outputs.map(handleOf).filter((handle) => handle !== undefined);
      held.set(groupId, handles);
      handOver(groupId, handles);
    },
    prepare: waiting.take,
    get pid() {
      return child.pid;
    },
    close() {
      closed = true;
      waiting.close();
      child.stdin?.end();
    },
  };
}

// The handle itself: of a socket, whoever gets it would begin to read.
function handleOf(output: Readable | null): SendHandle | undefined {
  return output !== null && "_handle" in output
    ? ((output._handle as SendHandle | null) ?? undefined)
    : undefined;
}
