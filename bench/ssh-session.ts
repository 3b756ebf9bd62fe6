import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { cleanEnvironment, keepOutput } from "../test/harness/coder-process.ts";
import type { SshTarget } from "./sshd.ts";

export type SshSession = { child: ChildProcess; stdin: Writable; stdout: Readable; close(): Promise<void> };

/** A command on the other side, which runs when this resolves. With a terminal, it is raw and does not echo. */
export async function openSession(
  target: SshTarget,
  command: string,
  { hasTerminal = false } = {},
): Promise<SshSession> {
  const words = hasTerminal
    ? ["-tt", ...target.args, `stty raw -echo; echo ready; ${command}`]
    : [...target.args, `echo ready; ${command}`];
  const child = spawn("ssh", words, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...cleanEnvironment(), ...target.env },
  });
  const errors = keepOutput(child.stderr);
  const exited = once(child, "exit");
  const failed = exited.then(([code]) => {
    throw new Error(`ssh to ${target.name} ended with ${code}:\n${errors.text()}`);
  });
  child.stdin.on("error", () => {}); // The end of ssh is noticed by its exit.
  const ready = (async () => {
    let text = "";
    // Read by hand: what follows the line belongs to whoever opened the session.
    while (!text.includes("\n")) {
      const byte: Buffer | null = child.stdout.read(1);
      if (byte === null) await once(child.stdout, "readable");
      else text += byte.toString("latin1");
    }
  })();
  await Promise.race([ready, failed]);
  failed.catch(() => {}); // From here on the session is ended by its owner.
  return {
    child,
    stdin: child.stdin,
    stdout: child.stdout,
    async close() {
      child.kill();
      await exited;
    },
  };
}
