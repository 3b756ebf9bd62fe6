import { PassThrough, Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import { startExecSession } from "./exec-session.ts";

/** Runs a command in the workspace and returns what it printed: for small outputs. */
export async function captureInWorkspace(
  tunnel: Tunnel,
  command: string,
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const session = startExecSession({
    stream: tunnel.openResumable({ case: "exec", value: { command } }),
    stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    stdout,
    stderr,
  });
  const finish = (stream: Writable) => stream.end();
  const ended = session.exit.finally(() => [stdout, stderr].forEach(finish));
  const [exit, out, err] = await Promise.all([ended, text(stdout), text(stderr)]);
  return { code: exit.code, stdout: out, stderr: exit.error || err };
}
