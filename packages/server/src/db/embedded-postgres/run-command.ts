import { spawn } from "node:child_process";
import type { Account } from "./account.ts";

/** What the programs of Postgres get to see of our environment: nothing that a person set. */
export const postgresEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
  TZ: "UTC",
};

const outputLimit = 16_384;

export type CommandResult = { code: number | null; output: string };

/** Runs a short command to its end and returns its last output, stdout and stderr together. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: {
    as?: Account | undefined;
    cwd?: string;
    stdin?: string;
    signal?: AbortSignal | undefined;
    timeoutMs?: number;
  } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const signals = [
      AbortSignal.timeout(options.timeoutMs ?? 60_000),
      ...(options.signal ? [options.signal] : []),
    ];
    const child = spawn(file, args, {
      env: postgresEnvironment,
      signal: AbortSignal.any(signals),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.as === undefined ? {} : { uid: options.as.uid, gid: options.as.gid }),
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString("utf8")).slice(-outputLimit);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure = error;
      // Never started: nothing will close.
      if (child.pid === undefined) reject(error);
    });
    // An aborted command is waited for as well: what it leaves must not change any more.
    child.on("close", (code) =>
      failure === undefined ? resolve({ code, output: output.trim() }) : reject(failure),
    );
    // A program that ends before reading its input is reported by its exit code, not by EPIPE here.
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
  });
}
